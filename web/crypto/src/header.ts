// The header of an envelope (docs/envelope.md): what is public (file id, commitment, stanzas), and the encrypted name and type.
import { type Bytes, concat, equal, fromUtf8, hex, hkdf, random, u16, u32, utf8 } from "./bytes";
import { SceauError } from "./errors";

export const FIXED_LENGTH = 56;
const MAGIC = Uint8Array.of(0x73, 0x63, 0x65, 0x61, 0x75, 0x01, 0x00, 0x01); // "sceau", version 1, content suite 1
const MAC_LENGTH = 32;
const MAX_BODY = 1 << 20;
const MAX_STANZAS = 256;
const MAX_WRAPPED = 4096;
const MIN_METADATA = 28;
const MAX_METADATA = 65_536;
const PADDING = 256;
const NO_SALT = new Uint8Array(0);

export interface Stanza {
  suite: number;
  keyId: Bytes; // 32 bytes
  wrapped: Bytes;
}

export interface Metadata {
  name: string;
  type: string;
}

/** A header that has been read but not authenticated: only its stanzas may be used, to find the content key. */
export interface UnverifiedHeader {
  readonly fixed: Bytes; // 56 bytes
  readonly fileId: Bytes; // 16 bytes
  readonly commitment: Bytes; // 32 bytes
  readonly stanzas: readonly Stanza[];
  readonly metadataSection: Bytes; // with its length field, as the envelope hash takes it
  readonly authenticated: Bytes; // fixed ‖ length ‖ body
  readonly mac: Bytes;
  readonly length: number; // of the whole header
}

export async function buildHeader(cek: Bytes, fileId: Bytes, stanzas: Stanza[], metadata: Metadata): Promise<Bytes> {
  const commitment = await hkdf(cek, NO_SALT, utf8("sceau-1/commit"));
  const fixed = concat(MAGIC, fileId, commitment);
  const section = await sealMetadata(cek, fixed, metadata);
  if (stanzas.length < 1 || stanzas.length > MAX_STANZAS) throw new SceauError("header-malformed", "stanza count");
  const body = concat(
    u16(stanzas.length),
    ...stanzas.flatMap((s) => [u16(s.suite), s.keyId, u16(s.wrapped.length), s.wrapped]),
    section,
  );
  if (body.length > MAX_BODY) throw new SceauError("header-malformed", "body too long");
  const authenticated = concat(fixed, u32(body.length), body);
  const mac = await crypto.subtle.sign("HMAC", await macKey(cek, "sign"), authenticated);
  return concat(authenticated, new Uint8Array(mac));
}

export function parseHeader(bytes: Bytes): UnverifiedHeader {
  if (bytes.length < MAGIC.length || !equal(bytes.subarray(0, 5), MAGIC.subarray(0, 5))) throw malformed("magic");
  if (!equal(bytes.subarray(5, 8), MAGIC.subarray(5, 8))) throw new SceauError("header-unknown-version");
  const input = new Reader(bytes);
  const fixed = input.take(FIXED_LENGTH);
  const bodyLength = input.u32();
  if (bodyLength > MAX_BODY) throw malformed("body too long");
  const body = new Reader(input.take(bodyLength));
  const mac = input.take(MAC_LENGTH);
  if (!input.done) throw malformed("bytes after the header");

  const count = body.u16();
  if (count < 1 || count > MAX_STANZAS) throw malformed("stanza count");
  const stanzas: Stanza[] = [];
  for (let i = 0; i < count; i += 1) {
    const suite = body.u16();
    const keyId = body.take(32);
    const wrappedLength = body.u16();
    if (wrappedLength < 1 || wrappedLength > MAX_WRAPPED) throw malformed("wrapped length");
    stanzas.push({ suite, keyId, wrapped: body.take(wrappedLength) });
  }
  const metadataSection = body.rest();
  const metadata = new Reader(metadataSection);
  const metadataLength = metadata.u32();
  if (metadataLength < MIN_METADATA || metadataLength > MAX_METADATA) throw malformed("metadata length");
  metadata.take(metadataLength);
  if (!metadata.done) throw malformed("bytes after the metadata");

  return {
    fixed,
    fileId: fixed.slice(8, 24),
    commitment: fixed.slice(24, 56),
    stanzas,
    metadataSection,
    authenticated: bytes.slice(0, FIXED_LENGTH + 4 + bodyLength),
    mac,
    length: bytes.length,
  };
}

/** The length of the header that starts with these bytes (at least 60), so that a reader of a whole envelope knows where it ends. */
export function headerLength(start: Bytes): number {
  const input = new Reader(start);
  input.take(FIXED_LENGTH);
  const bodyLength = input.u32();
  if (bodyLength > MAX_BODY) throw malformed("body too long");
  return FIXED_LENGTH + 4 + bodyLength + MAC_LENGTH;
}

/** Checks commitment, then MAC, and only then decrypts name and type. */
export async function authenticate(header: UnverifiedHeader, cek: Bytes): Promise<Metadata> {
  const commitment = await hkdf(cek, NO_SALT, utf8("sceau-1/commit"));
  if (!equal(commitment, header.commitment)) throw new SceauError("header-not-authentic", "commitment");
  const valid = await crypto.subtle.verify("HMAC", await macKey(cek, "verify"), header.mac, header.authenticated);
  if (!valid) throw new SceauError("header-not-authentic", "mac");
  return openMetadata(cek, header);
}

export const fileIdHex = (header: UnverifiedHeader): string => hex(header.fileId);

async function macKey(cek: Bytes, usage: "sign" | "verify"): Promise<CryptoKey> {
  const raw = await hkdf(cek, NO_SALT, utf8("sceau-1/header"));
  return crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, [usage]);
}

async function metadataKey(cek: Bytes, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const raw = await hkdf(cek, NO_SALT, utf8("sceau-1/metadata"));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
}

async function sealMetadata(cek: Bytes, fixed: Bytes, metadata: Metadata): Promise<Bytes> {
  const json = utf8(JSON.stringify({ name: metadata.name, type: metadata.type }));
  const padded = new Uint8Array(Math.ceil(json.length / PADDING) * PADDING).fill(0x20);
  padded.set(json);
  const iv = random(12);
  const key = await metadataKey(cek, "encrypt");
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: fixed }, key, padded);
  const length = iv.length + sealed.byteLength;
  if (length > MAX_METADATA) throw new SceauError("metadata-malformed", "name too long");
  return concat(u32(length), iv, new Uint8Array(sealed));
}

async function openMetadata(cek: Bytes, header: UnverifiedHeader): Promise<Metadata> {
  const iv = header.metadataSection.slice(4, 16);
  const key = await metadataKey(cek, "decrypt");
  let plain: ArrayBuffer;
  try {
    plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv, additionalData: header.fixed },
      key,
      header.metadataSection.slice(16),
    );
  } catch (cause) {
    throw new SceauError("metadata-not-authentic", "", { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(new Uint8Array(plain)).replace(/ +$/, ""));
  } catch (cause) {
    throw new SceauError("metadata-malformed", "", { cause });
  }
  const { name, type } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || typeof type !== "string") throw new SceauError("metadata-malformed");
  return { name, type };
}

const malformed = (detail: string): SceauError => new SceauError("header-malformed", detail);

/** Reads big-endian fields and refuses to run past the end. */
class Reader {
  #at = 0;
  constructor(private readonly bytes: Bytes) {}
  get done(): boolean {
    return this.#at === this.bytes.length;
  }
  take(length: number): Bytes {
    if (this.bytes.length - this.#at < length) throw malformed("cut short");
    const out = this.bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return out;
  }
  rest(): Bytes {
    return this.take(this.bytes.length - this.#at);
  }
  u16(): number {
    const b = this.take(2);
    return new DataView(b.buffer).getUint16(0);
  }
  u32(): number {
    const b = this.take(4);
    return new DataView(b.buffer).getUint32(0);
  }
}
