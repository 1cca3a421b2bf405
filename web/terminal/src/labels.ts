// Domain separation, as crates/crypto/src/label.rs has it: no hash and no derived key stands without its label.
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as digest } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "@sceau/crypto";

export type Label =
  | "sceau/kr-context"
  | "sceau/kr-up"
  | "sceau/kr-down"
  | "sceau/kr-message"
  | "sceau/kr-activate"
  | "sceau/kr-unlock"
  | "sceau/kr-use"
  | "sceau/kr-roam"
  | "sceau/kr-description"
  // Of this terminal alone: the element knows nothing of it.
  | "sceau/kr-lock";

const ZERO = Uint8Array.of(0);
const NOTHING = new Uint8Array(0);

/** SHA-256 of some bytes. */
export const sha256 = (...parts: Uint8Array[]): Bytes => digest(concat(...parts));

/** SHA-256(label ‖ 00 ‖ parts). */
export const hashOf = (label: Label, ...parts: Uint8Array[]): Bytes => sha256(utf8(label), ZERO, ...parts);

/** HKDF-SHA-256 (RFC 5869) with info = label ‖ 00 ‖ fields. */
export const deriveFor = (label: Label, key: Bytes, fields: readonly Uint8Array[], salt: Bytes = NOTHING, length = 32): Bytes =>
  hkdf(digest, key, salt, concat(utf8(label), ZERO, ...fields), length);

/** HMAC-SHA-256 (RFC 2104). */
export const mac = (key: Bytes, ...parts: Uint8Array[]): Bytes => hmac(digest, key, concat(...parts));
