// Plays both who open what MOB's host sealed, from the description of the interface alone, with Node's own TLS and crypto and nothing of ours:
// the case officer's page, which learns everything from the subscription, and the company's own system, which learns it from the bus.
// One JSON object on standard input:
//   {as: "page", url, authority, token, origin, subscription, keys: {authority, certificate}}
//   {as: "system", authority, token, message, keys: {authority, certificate, loginURL, getKeyURL}}
// → {"sha256": […]}: of each document, opened.

import assert from 'node:assert/strict';
import { constants, createDecipheriv, createHash, privateDecrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const given = JSON.parse(readFileSync(0, 'utf8'));

// Every server of the test is on this machine, whatever its name.
const lookup = (_name, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

function ask(url, { method = 'GET', headers = {}, body, authority, certificate } = {}) {
  const own = certificate ? { cert: certificate, key: certificate } : {};
  const origin = given.origin ? { origin: given.origin } : {};
  return new Promise((answered, failed) => {
    const asked = request(url, { method, headers: { ...origin, ...headers }, ca: authority, lookup, ...own }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => answered({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(chunks) }));
    });
    asked.on('error', failed);
    asked.end(body);
  });
}

async function mob(url, headers = {}) {
  const answer = await ask(url, { authority: given.authority, headers: { authorization: `Bearer ${given.token}`, ...headers } });
  assert.equal(answer.status, 200, `${url}: ${answer.status} ${answer.bytes.toString('utf8', 0, 300)}`);
  // What a browser demands before a page sees it.
  if (given.origin) assert.equal(answer.headers['access-control-allow-origin'], given.origin);
  return answer;
}

async function privateKey(loginURL, getKeyURL, version) {
  const { authority, certificate } = given.keys;
  const login = await ask(loginURL, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, authority, certificate });
  assert.equal(login.status, 200, login.bytes.toString());
  const token = JSON.parse(login.bytes).auth.client_token;
  const answer = await ask(getKeyURL, { headers: { 'x-vault-token': token }, authority, certificate });
  assert.equal(answer.status, 200, answer.bytes.toString());
  return JSON.parse(answer.bytes).data.keys[String(version)];
}

async function opened(url, key, { encryptedAESKey, encryptedIV }) {
  const secret = (text) =>
    privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, Buffer.from(text, 'base64'));
  const text = (await mob(url)).bytes.toString('utf8');
  // One byte for each code point: the encoding of MOB's downloads, undone.
  const sealed = Buffer.from(Array.from(text, (character) => character.codePointAt(0)));
  const raw = (await mob(url, { accept: 'application/octet-stream' })).bytes;
  assert.ok(raw.equals(sealed), 'raw bytes are for who asks for them');
  const decipher = createDecipheriv('aes-256-cbc', secret(encryptedAESKey), secret(encryptedIV));
  const plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
  return createHash('sha256').update(plain).digest('hex');
}

async function page() {
  const one = `${given.url}/v1/subscriptions/${given.subscription}`;
  const subscription = JSON.parse((await mob(one)).bytes);
  const { loginURL, getKeyURL } = subscription.privateKeyAccess;
  const key = await privateKey(loginURL, getKeyURL, subscription.encryptionKeyVersion);
  const files = subscription.attachments.map(({ originalName }) => `${one}/attachments/${encodeURIComponent(originalName)}`);
  return Promise.all(files.map((url) => opened(url, key, subscription)));
}

async function system() {
  const { message, keys } = given;
  const key = await privateKey(keys.loginURL, keys.getKeyURL, message.encryptionKeyVersion);
  return Promise.all(message.attachments.map((url) => opened(url, key, message)));
}

console.log(JSON.stringify({ sha256: await { page, system }[given.as]() }));
