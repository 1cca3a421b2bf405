// Short derivations, done at once: a call of the browser's own costs more than the few blocks that are hashed here.
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "./bytes";

/** HKDF-SHA-256 (RFC 5869), 32 bytes. */
export const derive = (input: Bytes, salt: Bytes, info: Bytes): Bytes => hkdf(sha256, input, salt, info, 32);

/** A derived AES-256-GCM key for one use. */
export async function deriveAesKey(input: Bytes, salt: Bytes, info: Bytes, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const raw = derive(input, salt, info);
  const key = crypto.subtle.importKey("raw", raw, "AES-GCM", false, [use]); // it copies the bytes before it answers
  raw.fill(0);
  return key;
}

/** HMAC-SHA-256 (RFC 2104) of the message under a derived key. */
export function deriveMac(input: Bytes, salt: Bytes, info: Bytes, message: Bytes): Bytes {
  const key = derive(input, salt, info);
  const mac = hmac(sha256, key, message) as Bytes;
  key.fill(0);
  return mac;
}

/** SHA-256 of a few bytes. */
export const sha256AtOnce = (bytes: Bytes): Bytes => sha256(bytes);
