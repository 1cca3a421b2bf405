// Opening a document as the key manager's page does, beside one bare crypto.subtle.decrypt of the same size.
import { CryptoWorker, parseHeader, type PrivateKey, unwrap } from "../../web/crypto/src";
import { keyId } from "../../web/crypto/src/recipients";

type Bytes = Uint8Array<ArrayBuffer>;

declare global {
  interface Window {
    measure(size: number, rounds: number): Promise<{ ours: number; bare: number }>;
  }
}

const rsa = { name: "RSA-OAEP", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" };

/** Openings before the clock runs: by then the browser has compiled the code of a warm worker, and of its page. */
const WARM = 150;

/** Milliseconds of the median round of each, taken in turns. The fastest round would tell of memory that was still warm. */
window.measure = async (size, rounds) => {
  const plain = new Uint8Array(size).map((_, i) => i % 251);
  const sealed = await seal(plain);
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  const whole = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);

  const ours: number[] = [];
  const bare: number[] = [];
  const worker = new CryptoWorker();
  for (let round = -WARM; round < rounds; round += 1) {
    const parts = sealed.parts.map((part) => part.slice()); // they are given away at each opening
    let began = performance.now();
    await open(worker, sealed, parts, size);
    if (round >= 0) ours.push(performance.now() - began);
    began = performance.now();
    await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, whole);
    if (round >= 0) bare.push(performance.now() - began);
  }
  worker.close();
  return { ours: median(ours), bare: median(bare) };
};

interface Sealed {
  header: Bytes;
  cek: Bytes;
  parts: Bytes[];
  hash: string;
}

async function seal(plain: Bytes): Promise<Sealed> {
  const pair = await crypto.subtle.generateKey(rsa, true, ["encrypt", "decrypt"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const recipient = { suite: "RSA-OAEP-256", publicKey } as const;
  const worker = new CryptoWorker();
  const sealing = await worker.seal(new Blob([plain]), { name: "a.pdf", type: "application/pdf" }, [recipient]);
  const parts: Bytes[] = [];
  for await (const part of sealing.all()) parts.push(part.bytes);
  const hash = await sealing.envelopeHash();
  worker.close();
  const reader: PrivateKey = { suite: "RSA-OAEP-256", id: await keyId(recipient), key: pair.privateKey };
  return { header: sealing.header, cek: await unwrap(parseHeader(sealing.header), reader), parts, hash };
}

/** The key manager's page gets parts from the network; here they are at hand. What follows is its own code. */
async function open(worker: CryptoWorker, { header, cek, hash }: Sealed, parts: Bytes[], size: number): Promise<void> {
  const envelope = worker.open(header, cek, parts.length);
  const pieces: Bytes[] = [];
  let done = 0;
  for await (const plaintext of envelope.all((index) => Promise.resolve(parts[index] as Bytes))) {
    done += plaintext.length;
    pieces.push(plaintext);
  }
  await envelope.finish(hash);
  envelope.release();
  if (done !== size) throw new Error("the document has another size");
}

const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
