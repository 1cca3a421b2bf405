// A platform that protects data, with its keyfront: no demonstration has one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ours, run, scratch, start } from './processes.mjs';

const LOG = 'browser.test/log';

/**
 * Starts element, platform and keyfront on one database; all stop when the test `t` ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {{element?: string[]}} options further arguments of the element
 * @returns {Promise<{platform: string, firstAdministrator: string, keyfront: string, audience: string, data: string}>}
 */
export async function openProtection(t, { element = [] } = {}) {
  const at = scratch();
  const data = join(at, 'data');
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(at, 'passphrase'), 'one passphrase for this test', { mode: 0o600 });
  writeFileSync(join(at, 'settings.toml'), '[protect]\n', { mode: 0o600 });
  const socket = join(at, 'element', 'element.sock');
  await start(t, ours('sceau-element'), [
    '--state', join(at, 'state'), '--socket', socket, '--origin', LOG, '--protect-tenants', '2',
    '--keystore-passphrase-file', join(at, 'passphrase'), ...element,
  ]);
  const common = ['--config', join(at, 'settings.toml'), '--data', data, '--element', socket, '--listen', '127.0.0.1:0'];
  const platform = await start(t, ours('sceau'), ['serve', 'platform', ...common]);
  const keyfront = await start(t, ours('sceau'), ['serve', 'keyfront', ...common]);
  return {
    platform: platform.ready.url,
    firstAdministrator: platform.ready.first_administrator,
    keyfront: keyfront.ready.url,
    audience: keyfront.ready.audience,
    data,
  };
}

/**
 * A key pair of an application, as OpenSSL makes it.
 * @param {string} algorithm for instance `ED25519`
 * @returns {{path: string, pem: string, fingerprint: string}} the private key's file; the public key, and its fingerprint as OpenSSL says it
 */
export function applicationKey(algorithm, ...options) {
  const path = join(scratch(), 'application.key');
  run('openssl', ['genpkey', '-algorithm', algorithm, ...options, '-out', path]);
  run('chmod', ['600', path]);
  const pem = run('openssl', ['pkey', '-in', path, '-pubout']);
  const der = run('openssl', ['pkey', '-in', path, '-pubout', '-outform', 'DER'], { encoding: 'buffer' });
  return { path, pem, fingerprint: run('openssl', ['sha256', '-r'], { input: der }).slice(0, 64) };
}

/**
 * An application that protects files by `sceau protect`.
 *
 * @param {{keyfront: string, audience: string}} protection
 * @param {string} application its id
 * @param {string} key its private key's file
 */
export function applicationOf(protection, application, key) {
  const folder = scratch();
  const file = join(folder, 'application.toml');
  const { keyfront, audience } = protection;
  const said = { keyfront, audience, application, key };
  writeFileSync(file, Object.entries(said).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join(''), { mode: 0o600 });
  const sceau = (words) => run(ours('sceau'), words);
  return {
    /** Protects a file of this name; gives the protected one's path. */
    protect(name, owner, ...words) {
      const path = join(folder, name);
      writeFileSync(path, `what ${name} says`);
      sceau(['protect', '--application', file, '--user', owner, ...words, path]);
      return `${path}.sceau`;
    },
    unprotect: (path, user, ...words) => sceau(['unprotect', '--application', file, '--user', user, ...words, '--output', `${path}.${user}`, path]),
    erase: (path, owner) => sceau(['erase', '--application', file, '--user', owner, path]),
    grant: (path, owner, ...words) => sceau(['grant', '--application', file, '--user', owner, ...words, path]),
  };
}
