// Real processes for browser tests: a scratch folder, programs that die with the test, ready lines, logs.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The folder of `tests/browser`, and the repository's root. */
export const here = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = dirname(dirname(here));

/** Only a failing test ever waits this long, in milliseconds. */
const PATIENCE = 60_000;

/** Folders to remove when this process ends: by then, whatever still wrote into them has been stopped. */
const folders = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

/**
 * Makes a temporary folder, removed when the tests of this file have ended.
 * @returns {string} its path
 */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'sceau-browser-'));
  folders.push(folder);
  return folder;
}

/**
 * The path of one of our programs, built by cargo (`SCEAU_BIN` names another folder than target/debug).
 * @param {string} name `sceau` or `sceau-element`
 */
export const ours = (name) => join(process.env.SCEAU_BIN ?? join(root, 'target/debug'), name);

/**
 * Runs a program to its end and returns its standard output; throws with what it said when it fails.
 * @param {string} program
 * @param {string[]} words
 * @param {import('node:child_process').SpawnSyncOptions} options
 */
export function run(program, words, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error ?? `exit code ${status}`}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * Starts a program, which the kernel kills when we die, and waits for its ready line: the first line of its standard
 * output that is a JSON object. It is stopped when the test `t` ends.
 *
 * @param {import('node:test').TestContext | {after: (f: () => unknown) => void}} t
 * @param {string} program path or name
 * @param {string[]} words
 * @param {{env?: Record<string, string>, log?: string}} options `log`: a file for both outputs
 * @returns {Promise<{ready: any, pid: number, log: () => string, stop: () => Promise<void>, kill: () => Promise<void>}>}
 */
export async function start(t, program, words, { env = {}, log } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  const keep = (line) => {
    said.push(line);
    if (log) appendFileSync(log, `${line}\n`);
  };
  const ended = once(child, 'exit');
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  t.after(() => end('SIGTERM'));
  createInterface({ input: child.stderr }).on('line', keep);
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('is not ready'), PATIENCE);
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`${program} ${why}:\n${said.slice(-60).join('\n')}`));
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => fail(`ended before it was ready (${signal ?? code})`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      keep(line);
      const object = parsed(line);
      if (object) {
        clearTimeout(timer);
        resolve(object);
      }
    });
  });
  return {
    ready,
    pid: child.pid,
    log: () => said.join('\n'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function parsed(line) {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Ports of the loopback that nobody holds now, all different. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer().listen(0, '127.0.0.1');
      return once(server, 'listening').then(() => server);
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Reads a file of the repository as text. */
export const file = (path) => readFileSync(join(root, path), 'utf8');
