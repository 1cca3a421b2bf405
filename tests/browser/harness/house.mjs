// The whole of Sceau on this machine, as `sceau up --demonstration` starts it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePorts, ours, scratch, start } from './processes.mjs';

/**
 * Starts element, platform and key manager with a demonstration organisation; all stop when the test `t` ends.
 *
 * @param {import('node:test').TestContext | {after: (f: () => unknown) => void}} t
 * @param {{data?: string, env?: Record<string, string>}} options `data`: the folder of an earlier start, to start it again
 * @returns {Promise<{
 *   platform: string, keyManager: string, invitation: string, logKey: string,
 *   authority: string, certificate: {p12: string, password: string, host: string},
 *   data: string, pid: number, log: () => string, stop: () => Promise<void>, kill: () => Promise<void>
 * }>} `platform` and `keyManager` are web origins, `invitation` the case officer's one-time link; `authority` and
 *   `certificate` are what `openBrowser` takes
 */
export async function openHouse(t, { data = scratch(), env } = {}) {
  const ports = join(data, 'ports.json');
  if (!existsSync(ports)) {
    // Not the usual ones, which a demonstration beside us may hold.
    const [platform, key_manager, keyfront, keyrings] = await freePorts(4);
    writeFileSync(ports, JSON.stringify({ platform, key_manager, keyfront, keyrings }), { mode: 0o600 });
  }
  const up = await start(t, ours('sceau'), ['up', '--demonstration', '--data', data], { env });
  const { platform, key_manager: keyManager, log_key: logKey, demonstration } = up.ready;
  const folder = demonstration.folder;
  return {
    platform,
    keyManager,
    logKey,
    invitation: demonstration.case_officer,
    authority: join(folder, 'authority.pem'),
    certificate: {
      p12: join(folder, 'officer.p12'),
      password: readFileSync(join(folder, 'officer.password'), 'utf8').trim(),
      host: 'cles.localhost',
    },
    data,
    pid: up.pid,
    log: up.log,
    stop: up.stop,
    kill: up.kill,
  };
}
