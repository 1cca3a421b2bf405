// The header of an envelope (docs/envelope.md): what is public (file id, commitment, stanzas), and the encrypted name and type.
import { type Bytes, concat, equal, fromUtf8, hex, random, u16, u32, utf8 } from "./bytes";
import { derive, deriveAesKey, deriveMac } from "./derive";
import { type ErrorCode, SceauError } from "./errors";

export const FIXED_LENGTH = 56;
const MAGIC = utf8("sceau");
const VERSION = 1;
const CONTENT_SUITE = 1;
const MAC_LENGTH = 32;
const MAX_BODY = 1 << 20;
const MAX_STANZAS = 256;
export const MAX_WRAPPED = 4096;
const MIN_METADATA = 28;
const MAX_METADATA = 65_536;
const PADDING = 256;
const NO_SALT = new Uint8Array(0);
const COMMIT = utf8("sceau-1/commit");
const HEADER = utf8("sceau-1/header");
const METADATA = utf8("sceau-1/metadata");

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

declare const authentic: unique symbol;

/** A header that `authenticate` let pass. */
export type AuthenticHeader = UnverifiedHeader & { readonly [authentic]: true };

/** `nonce` is drawn unless a test vector gives it. */
export async function buildHeader(
  cek: Bytes,
  fileId: Bytes,
  stanzas: readonly Stanza[],
  metadata: Metadata,
  nonce: Bytes = random(12),
): Promise<Bytes> {
  const commitment = derive(cek, NO_SALT, COMMIT);
  const fixed = concat(MAGIC, Uint8Array.of(VERSION), u16(CONTENT_SUITE), fileId, commitment);
  const section = await sealMetadata(cek, fixed, metadata, nonce);
  if (stanzas.length < 1) throw new SceauError("seal_no_recipient");
  if (stanzas.length > MAX_STANZAS) throw new SceauError("seal_too_many_recipients");
  const body = concat(
    u16(stanzas.length),
    ...stanzas.flatMap((s) => [u16(s.suite), s.keyId, u16(s.wrapped.length), s.wrapped]),
    section,
  );
  if (body.length > MAX_BODY) throw new SceauError("seal_too_many_recipients");
  const authenticated = concat(fixed, u32(body.length), body);
  return concat(authenticated, deriveMac(cek, NO_SALT, HEADER, authenticated));
}

export function parseHeader(bytes: Bytes): UnverifiedHeader {
  const input = new Reader(bytes);
  const fixed = readFixed(input);
  const bodyLength = input.u32();
  if (bodyLength > MAX_BODY) throw malformed("body too long");
  const body = new Reader(input.take(bodyLength), "header_malformed");
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
    if (stanzas.some((other) => other.suite === suite && equal(other.keyId, keyId))) throw malformed("a recipient twice");
    stanzas.push({ suite, keyId, wrapped: body.take(wrappedLength) });
  }
  const metadataSection = body.rest();
  const metadata = new Reader(metadataSection, "header_malformed");
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
  readFixed(input);
  const bodyLength = input.u32();
  if (bodyLength > MAX_BODY) throw malformed("body too long");
  return FIXED_LENGTH + 4 + bodyLength + MAC_LENGTH;
}

/** The content key is the one that the fixed header commits to. */
export function checkCommitment(fixed: Bytes, cek: Bytes): void {
  if (!equal(derive(cek, NO_SALT, COMMIT), fixed.subarray(24, 56))) throw new SceauError("envelope_commitment");
}

/** Checks commitment, then MAC: the header is of this content key, and as it was written. */
export function authenticate(header: UnverifiedHeader, cek: Bytes): AuthenticHeader {
  checkCommitment(header.fixed, cek);
  if (!equal(deriveMac(cek, NO_SALT, HEADER, header.authenticated), header.mac)) throw new SceauError("header_forged");
  return header as AuthenticHeader;
}

export const fileIdHex = (header: UnverifiedHeader): string => hex(header.fileId);

async function sealMetadata(cek: Bytes, fixed: Bytes, metadata: Metadata, iv: Bytes): Promise<Bytes> {
  checkMetadata(metadata, "seal_name", "seal_media_type");
  const json = utf8(JSON.stringify({ name: metadata.name, type: metadata.type }));
  const padded = new Uint8Array(Math.ceil(json.length / PADDING) * PADDING).fill(0x20);
  padded.set(json);
  const key = await deriveAesKey(cek, NO_SALT, METADATA, "encrypt");
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: fixed }, key, padded);
  const length = iv.length + sealed.byteLength;
  return concat(u32(length), iv, new Uint8Array(sealed));
}

/** The name and type of the file. */
export async function openMetadata(header: AuthenticHeader, cek: Bytes): Promise<Metadata> {
  const key = await deriveAesKey(cek, NO_SALT, METADATA, "decrypt");
  const iv = header.metadataSection.slice(4, 16);
  let plain: ArrayBuffer;
  try {
    plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv, additionalData: header.fixed },
      key,
      header.metadataSection.slice(16),
    );
  } catch (cause) {
    throw new SceauError("metadata_refused", "not authentic", { cause });
  }
  if (plain.byteLength % PADDING !== 0) throw new SceauError("metadata_refused", "padding");
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(new Uint8Array(plain)));
  } catch (cause) {
    throw new SceauError("metadata_refused", "not JSON", { cause });
  }
  const { name, type } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || typeof type !== "string") throw new SceauError("metadata_refused", "fields");
  const metadata = { name, type };
  checkMetadata(metadata, "metadata_refused", "metadata_refused");
  return metadata;
}

/** A name is a file's name, never a path; a type is printable ASCII. */
export function checkMetadata({ name, type }: Metadata, badName: ErrorCode, badType: ErrorCode): void {
  const length = utf8(name).length;
  if (length < 1 || length > 255 || /[/\\\p{Cc}]/u.test(name) || name === "." || name === "..") throw new SceauError(badName);
  if (!/^[\x20-\x7e]{1,127}$/.test(type)) throw new SceauError(badType);
}

function readFixed(input: Reader): Bytes {
  const start = input.peek(MAGIC.length);
  if (!equal(start, MAGIC.slice(0, start.length))) throw new SceauError("header_not_an_envelope");
  const begin = input.peek(FIXED_LENGTH);
  if (begin.length > 5 && begin[5] !== VERSION) throw new SceauError("header_version");
  if (begin.length > 7 && (begin[6] !== 0 || begin[7] !== CONTENT_SUITE)) throw new SceauError("header_content_suite");
  return input.take(FIXED_LENGTH);
}

const malformed = (detail: string): SceauError => new SceauError("header_malformed", detail);

/** Reads big-endian fields and refuses to run past the end. */
class Reader {
  #at = 0;
  constructor(
    private readonly bytes: Bytes,
    private readonly short: ErrorCode = "header_truncated",
  ) {}
  get done(): boolean {
    return this.#at === this.bytes.length;
  }
  take(length: number): Bytes {
    if (this.bytes.length - this.#at < length) throw new SceauError(this.short);
    const out = this.bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return out;
  }
  peek(length: number): Bytes {
    return this.bytes.slice(this.#at, this.#at + length);
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
