// A real ClamAV for the browser tests.

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { scratch } from './processes.mjs';

/** Bytes that no conversion to text survives. */
export const SIGNATURE = Buffer.from([0x4d, 0x00, 0xff, 0xfe, 0x80, 0xc3, 0x28, 0x9f]);

/** A ClamAV daemon with one signature of ours, its streams in memory. */
export class Clamd {
  constructor() {
    this.folder = scratch();
    this.memory = mkdtempSync('/dev/shm/sceau-clamd-');
    mkdirSync(join(this.folder, 'db'));
    writeFileSync(join(this.folder, 'db', 'local.ndb'), `Sceau.Test:0:*:${SIGNATURE.toString('hex')}\n`);
    const settings = ['Foreground yes', 'LogVerbose yes', 'AlertEncrypted yes', `DatabaseDirectory ${this.folder}/db`,
      `TemporaryDirectory ${this.memory}`, `LocalSocket ${this.folder}/socket`];
    writeFileSync(join(this.folder, 'clamd.conf'), settings.join('\n'));
  }

  async start() {
    const words = ['--pdeathsig', 'KILL', '--', 'stdbuf', '--output=L', existsSync('/usr/sbin/clamd') ? '/usr/sbin/clamd' : 'clamd'];
    this.child = spawn('setpriv', [...words, '--config-file', join(this.folder, 'clamd.conf')], { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const line of createInterface(this.child.stdout)) if (line.includes('Listening daemon')) break;
    this.child.stdout.resume();
  }

  async fall() {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    rmSync(join(this.folder, 'socket'), { force: true });
  }

  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.fall();
    rmSync(this.memory, { recursive: true, force: true });
  }
}
