// What the seed does today: AES-256-CBC over the file, key and IV each by RSA-OAEP (SHA-1), in Node's own crypto.
// Usage: node mob.mjs SIZE ROUNDS. Prints {"seconds": fastest round}.

import { createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';

const [size, rounds] = process.argv.slice(2).map(Number);
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const plain = Buffer.alloc(size, 0x5a);

let fastest = Infinity;
for (let round = 0; round < rounds; round++) {
  const began = process.hrtime.bigint();
  const key = randomBytes(32);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  publicEncrypt(publicKey, key);
  publicEncrypt(publicKey, iv);
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - began) / 1e9);
  if (sealed.length <= size) throw new Error('nothing was sealed');
}
console.log(JSON.stringify({ seconds: fastest }));
