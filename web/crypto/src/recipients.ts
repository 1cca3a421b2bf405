// Wrapping a content key for its recipients. A recipient key has one suite; its id is the hash of suite and key.
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { type Bytes, concat, equal, hex, sha256, u16, utf8 } from "./bytes";
import { SceauError } from "./errors";
import type { Stanza, UnverifiedHeader } from "./header";

export type RecipientSuite = "RSA-OAEP-256" | "HPKE-X-Wing";

export interface RecipientKey {
  readonly suite: RecipientSuite;
  /** SubjectPublicKeyInfo DER for RSA, 1,216 raw bytes for X-Wing. */
  readonly publicKey: Bytes;
}

const CODES: Record<RecipientSuite, number> = { "RSA-OAEP-256": 0x0001, "HPKE-X-Wing": 0x0002 };
const XWING_PUBLIC = 1216;
const XWING_ENC = 1120;
const hpke = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

export function keyId(key: RecipientKey): Promise<Bytes> {
  return sha256(u16(CODES[key.suite]), key.publicKey);
}

export async function keyIdHex(key: RecipientKey): Promise<string> {
  return hex(await keyId(key));
}

export async function wrap(key: RecipientKey, fileId: Bytes, cek: Bytes): Promise<Stanza> {
  const id = await keyId(key);
  const wrapped =
    key.suite === "RSA-OAEP-256" ? await wrapRsa(key.publicKey, cek) : await wrapXWing(key.publicKey, fileId, id, cek);
  return { suite: CODES[key.suite], keyId: id, wrapped };
}

/** What opens a stanza. In a browser this is a test's key; a real recipient's never leaves its key manager. */
export type PrivateKey =
  | { suite: "RSA-OAEP-256"; id: Bytes; key: CryptoKey }
  | { suite: "HPKE-X-Wing"; id: Bytes; seed: Bytes };

export async function unwrap(header: UnverifiedHeader, key: PrivateKey): Promise<Bytes> {
  const stanza = header.stanzas.find((s) => s.suite === CODES[key.suite] && equal(s.keyId, key.id));
  if (!stanza) throw new SceauError("envelope_not_a_recipient");
  try {
    const cek =
      key.suite === "RSA-OAEP-256"
        ? new Uint8Array(await crypto.subtle.decrypt({ name: "RSA-OAEP" }, key.key, stanza.wrapped))
        : await unwrapXWing(key.seed, header.fileId, key.id, stanza.wrapped);
    if (cek.length !== 32) throw new SceauError("envelope_unwrap");
    return cek;
  } catch (cause) {
    throw cause instanceof SceauError ? cause : new SceauError("envelope_unwrap", "", { cause });
  }
}

async function wrapRsa(spki: Bytes, cek: Bytes): Promise<Bytes> {
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("spki", spki, { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
  } catch (cause) {
    throw new SceauError("key_malformed", "", { cause });
  }
  const bits = (key.algorithm as RsaHashedKeyAlgorithm).modulusLength;
  if (bits < 2048 || bits > 4096) throw new SceauError("key_size");
  return new Uint8Array(await crypto.subtle.encrypt({ name: "RSA-OAEP" }, key, cek));
}

async function wrapXWing(publicKey: Bytes, fileId: Bytes, id: Bytes, cek: Bytes): Promise<Bytes> {
  if (publicKey.length !== XWING_PUBLIC) throw new SceauError("key_malformed", "X-Wing size");
  try {
    const recipientPublicKey = await hpke.kem.deserializePublicKey(publicKey);
    const sender = await hpke.createSenderContext({ recipientPublicKey, info: info(fileId, id) });
    return concat(new Uint8Array(sender.enc), new Uint8Array(await sender.seal(cek)));
  } catch (cause) {
    throw new SceauError("key_malformed", "", { cause });
  }
}

async function unwrapXWing(seed: Bytes, fileId: Bytes, id: Bytes, wrapped: Bytes): Promise<Bytes> {
  const recipientKey = await hpke.kem.deserializePrivateKey(seed);
  const recipient = await hpke.createRecipientContext({
    recipientKey,
    enc: wrapped.slice(0, XWING_ENC),
    info: info(fileId, id),
  });
  return new Uint8Array(await recipient.open(wrapped.slice(XWING_ENC)));
}

const info = (fileId: Bytes, id: Bytes): Bytes => concat(utf8("sceau-1/hpke"), fileId, id);
