// A second reader and writer of `mob-2022`, written from the published parameters with Node's own crypto. It knows no manifest.
// Reads one JSON object on standard input, writes one on standard output; bytes are base64.
//   node mob.mjs seal  {publicKey, files: [plain…]}                                  → {encryptedAESKey, encryptedIV, files: [sealed…]}
//   node mob.mjs open  {privateKey, encryptedAESKey, encryptedIV, files: [sealed…]}  → {files: [plain…]}
//   node mob.mjs vectors                                                             → crates/crypto/vectors/mob-2022.json

import { constants, createCipheriv, createDecipheriv, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const oaep = (key) => ({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' });
const base64 = (bytes) => bytes.toString('base64');
const bytes = (text) => Buffer.from(text, 'base64');

function seal({ publicKey, files }) {
  const [key, iv] = [randomBytes(32), randomBytes(16)];
  const sealed = files.map((plain) => {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    return base64(Buffer.concat([cipher.update(bytes(plain)), cipher.final()]));
  });
  const [encryptedAESKey, encryptedIV] = [key, iv].map((secret) => base64(publicEncrypt(oaep(publicKey), secret)));
  return { encryptedAESKey, encryptedIV, files: sealed };
}

function open({ privateKey, encryptedAESKey, encryptedIV, files }) {
  const [key, iv] = [encryptedAESKey, encryptedIV].map((secret) => privateDecrypt(oaep(privateKey), bytes(secret)));
  return {
    files: files.map((sealed) => {
      const decipher = createDecipheriv('aes-256-cbc', key, iv);
      return base64(Buffer.concat([decipher.update(bytes(sealed)), decipher.final()]));
    }),
  };
}

function vectors() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const sizes = [0, 1, 15, 16, 17, 31, 32, 1000];
  const plain = sizes.map((size) => base64(Buffer.from(Array.from({ length: size }, (_, i) => i % 251))));
  const { files, ...fields } = seal({ publicKey, files: plain });
  return { format: 'mob-2022', publicKey, privateKey, ...fields, files: files.map((sealed, n) => ({ size: sizes[n], sealed })) };
}

const act = { seal, open, vectors }[process.argv[2]];
const input = process.argv[2] === 'vectors' ? {} : JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(act(input), null, 2));
