// Keyrings of a test: an element, its host, the people of a keyring, and a provider that logs its holder in.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePorts, ours, run, scratch, start } from './processes.mjs';

const ORIGIN = 'test.sceau.localhost/log';
const ORGANISATION = '3f7c1b4e-7a34-4c8e-9d8a-6a1f2c3d4e50';
const POLICY = '9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001';
const PROVIDER = '9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003';
export const SECRET = 'qkK2f0E-9nLrWm5t1b3XvYc7ZsGhJp4dUo6aTeRiPwQ';

const policy = {
  origin: ORIGIN, policy: POLICY, organisation: ORGANISATION, name: 'Agents de la ville', use: 'authenticate',
  pin: { least: 4, most: 12 }, second_factor: 'none', algorithm: null, authority: 'none', subject: ['common_name'],
  activation_days: 30, terminals_most: 1, roaming: 'none', biometric: 'none', batch_most: 10, request_seconds: 600,
  dissociation: 'holder', discloses: 'identity', applies_to_existing: false, status: 'active',
};

/** Certificates: an authority for the hosts, and one of its own for each actor. */
function certificates(folder) {
  const openssl = (...words) => run('openssl', words, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const name of ['officer', 'ra', 'sp']) {
    openssl('req', '-x509', ...key, '-days', '30', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
  openssl('req', '-x509', ...key, '-days', '30', '-subj', '/CN=Trial', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...key, '-subj', '/CN=localhost', '-keyout', 'host.key', '-out', 'host.csr');
  writeFileSync(join(folder, 'host.ext'), 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n');
  openssl('x509', '-req', '-in', 'host.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '30', '-extfile', 'host.ext', '-out', 'host.crt');
  const both = readFileSync(join(folder, 'host.crt'), 'utf8') + readFileSync(join(folder, 'host.key'), 'utf8');
  writeFileSync(join(folder, 'host.both'), both, { mode: 0o600 });
  for (const name of ['officer', 'ra', 'sp']) chmodSync(join(folder, `${name}.key`), 0o600);
}

/**
 * Starts all of it; the holder's terminal is activated, and known to the provider as `m.curie`.
 * @param {import('node:test').TestContext} t
 * @param {string} redirect where the one site is
 */
export async function raiseKeyring(t, redirect) {
  const folder = scratch();
  const at = (name) => join(folder, name);
  certificates(folder);
  const secret = (name, text) => writeFileSync(at(name), text, { mode: 0o600 });
  secret('passphrase', 'one passphrase for this test');
  secret('pin', '4071');
  secret('sceau.toml', '[keyrings]\n');
  mkdirSync(at('run'), { mode: 0o700 });
  const socket = at('run/element.sock');
  await start(t, ours('sceau-element'), ['--state', at('element'), '--socket', socket, '--origin', ORIGIN,
    '--keystore-passphrase-file', at('passphrase'), '--keyrings-officer', at('officer.pem')]);
  const host = await start(t, ours('sceau'), ['serve', 'keyrings', '--listen', '127.0.0.1:0', '--element', socket,
    '--config', at('sceau.toml'), '--data', at('platform'), '--tls', at('host.both')]);
  const there = ['--at', host.ready.url, '--anchors', at('ca.pem')];
  const sceau = (...words) => run(ours('sceau'), words);
  const act = (actor, ...words) => sceau('keyring', ...words, '--certificate', at(`${actor}.pem`), '--key', at(`${actor}.key`), ...there);
  writeFileSync(at('element.json'), sceau('keyring', 'element', '--socket', socket));
  const element = ['--element', at('element.json')];
  writeFileSync(at('policy.json'), JSON.stringify(policy));
  act('officer', 'policy', at('policy.json'));
  const actor = (id, role, name, file, kinds) => ({ id, role, name, certificate_file: file, policies: [POLICY], kinds, status: 'active' });
  const actors = [
    actor('9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002', 'registration_authority', 'Guichet', 'ra.pem', []),
    actor(PROVIDER, 'service_provider', 'Ville de Lyon', 'sp.pem', ['authenticate']),
  ];
  writeFileSync(at('access.json'), JSON.stringify({ origin: ORIGIN, organisation: ORGANISATION, actors }));
  act('officer', 'access', at('access.json'));
  const made = act('ra', 'fabricate', '--policy', POLICY, ...element, '--package', at('k.package'), '--invitation', at('k.invitation'), '--code', at('k.code'));
  const { keyring } = JSON.parse(made);
  act('ra', 'deliver', '--holder', '2026-118', '--common-name', 'Marie Curie', '--channel', 'hand', ...element, at('k.package'));
  const terminal = (word, ...words) => [word, '--json', '--folder', at('terminal'), ...there, ...words];
  sceau('terminal', ...terminal('activate', '--invitation', at('k.invitation'), '--code-file', at('k.code'), '--pin-file', at('pin')));

  const [port] = await freePorts(1);
  const issuer = `https://localhost:${port}`;
  const hash = createHash('sha256').update(SECRET).digest('hex');
  secret('provider.toml', `[provider]
issuer = "${issuer}"
name = "Ville de Lyon"
id = "${PROVIDER}"
certificate_file = "${at('sp.pem')}"
key_file = "${at('sp.key')}"
element_file = "${at('element.json')}"
host = "${host.ready.url}"
host_ca_file = "${at('ca.pem')}"
[[provider.clients]]
id = "library"
name = "Bibliothèque de Lyon"
redirect_uris = ["${redirect}"]
auth = "client_secret_basic"
secret_sha256 = "${hash}"
scopes = ["openid", "profile"]
`);
  await start(t, ours('sceau'), ['serve', 'provider', '--config', at('provider.toml'), '--data', at('provider'),
    '--listen', `127.0.0.1:${port}`, '--tls', at('host.both')]);
  sceau('provider', 'holder', 'add', 'm.curie', keyring, '--data', at('provider'));

  /** What the holder does with what waits, beside the browser; what the terminal showed. */
  const holder = async (word, ...more) => {
    const pending = JSON.parse(await beside(ours('sceau'), ['terminal', ...terminal('pending', '--wait', '30')]));
    const request = pending.requests[0].request;
    return beside(ours('sceau'), ['terminal', ...terminal(word, '--request', request, ...more)], true);
  };
  return {
    issuer,
    authority: at('ca.pem'),
    saysYes: () => holder('authenticate', '--pin-file', at('pin')),
    saysNo: () => holder('reject'),
  };
}

/** Runs a program to its end without holding up the browser: what it said, on its standard error too where that is asked for. */
function beside(program, words, shown = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let told = '';
    child.stdout.on('data', (data) => (said += data));
    child.stderr.on('data', (data) => (told += data));
    child.once('exit', (code) => (code === 0 ? resolve(shown ? told : said) : reject(new Error(`${words[1]}: ${told}`))));
  });
}
