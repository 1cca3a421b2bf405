// Plays the page of Mon Compte Mobilité's case officer beside our key manager, with Node's own TLS and crypto and nothing of ours.
// One JSON object on standard input: {url, authority, certificate, origin, publicKey, key}; "well" on standard output, or it fails.

import assert from 'node:assert/strict';
import { constants, createCipheriv, createDecipheriv, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const given = JSON.parse(readFileSync(0, 'utf8'));
const loginURL = `${given.url}/v1/auth/cert/login`;
const getKeyURL = `${given.url}/v1/transit/export/encryption-key/${given.key}/1`;

function ask(url, method, headers, { body, certificate = true } = {}) {
  const own = certificate ? { cert: given.certificate, key: given.certificate } : {};
  return new Promise((answered, failed) => {
    const asked = request(url, { method, headers: { origin: given.origin, ...headers }, ca: given.authority, ...own }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => answered({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    asked.on('error', failed);
    asked.end(body);
  });
}

// What a browser demands of an answer before a page sees it, and before it sends what is not simple.
function readable(answer) {
  assert.equal(answer.headers['access-control-allow-origin'], given.origin);
  assert.equal(answer.headers['access-control-allow-credentials'], 'true');
}

async function preflight(url, method, headers) {
  // Without a certificate: browsers send none here.
  const asks = { 'access-control-request-method': method, 'access-control-request-headers': headers };
  const answer = await ask(url, 'OPTIONS', asks, { certificate: false });
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status}`);
  readable(answer);
  assert.ok(answer.headers['access-control-allow-methods'].split(', ').includes(method));
  for (const header of headers.split(',')) assert.ok(answer.headers['access-control-allow-headers'].split(', ').includes(header));
}

// What the platform stored: AES-256-CBC, key and IV by OAEP with SHA-1.
const oaep = (key) => ({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' });
const [key, iv] = [randomBytes(32), randomBytes(16)];
const cipher = createCipheriv('aes-256-cbc', key, iv);
const document = Buffer.concat([cipher.update('un justificatif'), cipher.final()]);
const [encryptedKey, encryptedIV] = [key, iv].map((secret) => publicEncrypt(oaep(given.publicKey), secret));

await preflight(loginURL, 'POST', 'content-type');
const login = await ask(loginURL, 'POST', { 'content-type': 'application/json' }, { body: '{}' });
assert.equal(login.status, 200, login.text);
readable(login);
const token = JSON.parse(login.text).auth.client_token;

await preflight(getKeyURL, 'GET', 'x-vault-token');
const answer = await ask(getKeyURL, 'GET', { 'x-vault-token': token });
assert.equal(answer.status, 200, answer.text);
readable(answer);
const privateKey = JSON.parse(answer.text).data.keys['1'];

const [openedKey, openedIV] = [encryptedKey, encryptedIV].map((sealed) => privateDecrypt(oaep(privateKey), sealed));
const decipher = createDecipheriv('aes-256-cbc', openedKey, openedIV);
assert.equal(Buffer.concat([decipher.update(document), decipher.final()]).toString(), 'un justificatif');

// Another page gets nothing, and this one nothing else.
given.origin = 'https://evil.example';
for (const url of [loginURL, getKeyURL]) {
  const refused = await ask(url, 'OPTIONS', { 'access-control-request-method': 'POST' }, { certificate: false });
  assert.equal(refused.headers['access-control-allow-origin'], undefined);
  assert.equal(refused.status, 403);
}
console.log('well');
