// Bytes and their spellings. Binary in JSON is base64url without padding; ids, fingerprints and hashes are lower-case hexadecimal.
import { SceauError } from "./errors";

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Bytes => encoder.encode(text);

export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new SceauError("bad_encoding", "not UTF-8", { cause });
  }
}

export function concat(...chunks: Uint8Array[]): Bytes {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** In time that depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

export function hex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
}

export function fromHex(text: string, length?: number): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new SceauError("bad_encoding", "not lower-case hexadecimal");
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  if (length !== undefined && out.length !== length) throw new SceauError("bad_encoding", "wrong length");
  return out;
}

function base64Standard(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** RFC 4648 section 4, padded: signed notes and HTTP digests. */
export const base64 = base64Standard;

/** RFC 4648 section 5, without padding. */
export const base64url = (bytes: Uint8Array): string =>
  base64Standard(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function decode(text: string, canonical: (bytes: Bytes) => string): Bytes {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SceauError("bad_encoding", "not base64", { cause });
  }
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) out[i] = binary.charCodeAt(i);
  // One spelling per value: no stray bits, padding or white space (RFC 4648 section 3.5).
  if (canonical(out) !== text) throw new SceauError("bad_encoding", "not canonical base64");
  return out;
}

export const fromBase64 = (text: string): Bytes => decode(text, base64Standard);

export function fromBase64url(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new SceauError("bad_encoding", "not base64url");
  return decode(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4), base64Standard);
}

export const u16 = (n: number): Bytes => Uint8Array.of(n >>> 8, n & 0xff);
export const u32 = (n: number): Bytes => Uint8Array.of(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);

export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

export async function sha256(...chunks: Uint8Array[]): Promise<Bytes> {
  const whole = chunks.length === 1 && chunks[0] ? chunks[0] : concat(...chunks);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole as Bytes));
}
