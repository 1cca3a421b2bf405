import { type Bytes, concat, fromHex, hex } from "@sceau/crypto";

export { type Bytes, base64url, concat, fromBase64url, fromHex, fromUtf8, hex, utf8 } from "@sceau/crypto";

/** Does something with a secret, and overwrites it: JavaScript's memory keeps copies all the same (SECURITY.md), but this one is gone. */
export async function wiped<T>(secret: Bytes, use: (secret: Bytes) => Promise<T> | T): Promise<T> {
  try {
    return await use(secret);
  } finally {
    secret.fill(0);
  }
}

/** In time that depends on the lengths only. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

/** A whole number as 8 bytes, the highest first. */
export function u64(number: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** A UUID as its 16 bytes. */
export const uuidBytes = (uuid: string): Bytes => fromHex(uuid.replaceAll("-", ""), 16);

/** 16 bytes as a UUID. */
export function uuidOf(bytes: Bytes): string {
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

/** Milliseconds since the epoch, as this machine has them. */
export const now = (): number => Date.now();

/** Parts of any length, each behind its length in 8 bytes. */
export const lengthPrefixed = (...parts: Uint8Array[]): Bytes => concat(...parts.flatMap((part) => [u64(part.length), part]));
