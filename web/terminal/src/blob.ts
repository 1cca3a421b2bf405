// What is sealed under a key for one use and one place: 01 ‖ salt (32) ‖ AES-256-GCM ciphertext and tag, as crates/crypto/src/blob.rs.
import { type Bytes, concat, wiped } from "./bytes";
import { TerminalError } from "./errors";
import { deriveFor, type Label } from "./labels";

const SALT = 32;

/** Seals `secret`; `place` says which one it is: elsewhere it does not open. */
export async function seal(key: Bytes, label: Label, place: Bytes, secret: Bytes): Promise<Bytes> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT));
  const { aes, iv } = await keys(key, label, place, salt, "encrypt");
  return concat(Uint8Array.of(1), salt, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, secret)));
}

/** Opens what {@link seal} made. Throws `channel_sealed`. */
export async function open(key: Bytes, label: Label, place: Bytes, sealed: Bytes): Promise<Bytes> {
  const refused = (cause?: unknown): TerminalError =>
    new TerminalError("channel_sealed", "a message does not open: it was altered, or is not of this context and place", "terminal", { cause });
  if (sealed[0] !== 1 || sealed.length < 1 + SALT + 16) throw refused();
  const { aes, iv } = await keys(key, label, place, sealed.slice(1, 1 + SALT), "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed.slice(1 + SALT)));
  } catch (cause) {
    throw refused(cause);
  }
}

async function keys(key: Bytes, label: Label, place: Bytes, salt: Bytes, use: KeyUsage): Promise<{ aes: CryptoKey; iv: Bytes }> {
  return wiped(deriveFor(label, key, [place], salt, 44), async (derived) => ({
    aes: await crypto.subtle.importKey("raw", derived.slice(0, 32), "AES-GCM", false, [use]),
    iv: derived.slice(32),
  }));
}
