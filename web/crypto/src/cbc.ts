// The content profile `cbc-rs256`: AES-256-CBC with PKCS#7 padding, under a signature of the element's over all of it (docs/protect-by-tokens.md has
// the form to the byte). CBC alone authenticates nothing, and its padding tells who may try what a text is (Vaudenay, EUROCRYPT 2002): what decrypts
// takes a `SignedContent`, which exists only once its octets, all of them, were compared with the digest in their signature. Those very octets are kept
// and decrypted, so that nothing can change in between.
import { base64url, type Bytes, concat, equal, fromBase64url, fromUtf8, sha256, u16, utf8 } from "./bytes";
import { SceauError } from "./errors";
import { checkMetadata, type Metadata } from "./header";
import { Fields } from "./json";

const MAGIC = concat(utf8("cbc-rs256"), Uint8Array.of(1));
const IV_LENGTH = 16;
const FIXED_LENGTH = MAGIC.length + 32 + IV_LENGTH + 2;
const MAX_WRAPPED = 512;
const MAX_SIGNATURE = 4096;
/** Name and type take a multiple of this, so that their length does not show; and this at the most. */
const METADATA = 256;
const MAX_METADATA = 1024;

/** What begins a message. */
export interface CbcHead {
  readonly datum: Bytes; // 32 bytes
  readonly iv: Bytes; // 16 bytes
  readonly wrapped: Bytes; // key and vector, as the element wrapped them
}

/** A message that waits for its signature. */
export class UnsignedContent {
  private constructor(
    readonly head: CbcHead,
    private readonly message: Bytes,
    /** Of all of it, which is what is to be signed. */
    readonly sha256: Bytes,
  ) {}

  /** Encrypts. Key (32 bytes) and the head's vector are for this one message; the key is overwritten. */
  static async seal(key: Bytes, head: CbcHead, metadata: Metadata, content: Bytes): Promise<UnsignedContent> {
    const text = concat(textOf({ name: metadata.name, type: metadata.type || "application/octet-stream" }), content);
    const cipher = await imported(key, "encrypt");
    const sealed = await crypto.subtle.encrypt({ name: "AES-CBC", iv: head.iv }, cipher, text);
    const message = concat(MAGIC, head.datum, head.iv, u16(head.wrapped.length), head.wrapped, new Uint8Array(sealed));
    return new UnsignedContent(head, message, await sha256(message));
  }

  /** The whole message, once it is signed: with a signature that says this datum and these octets. */
  signed(signature: string): Blob {
    if (!says(signature, this.head.datum, this.sha256)) throw refused();
    const end = utf8(signature);
    return new Blob([this.message, end, u16(end.length)]);
  }
}

/**
 * A message whose octets are those that its signature names. Whose signature that is, the element says: it gives the key out only where it made it.
 */
export class SignedContent {
  private constructor(
    readonly head: CbcHead,
    private readonly ciphertext: Bytes,
    /** A compact JWS, to be brought with the call `open`. */
    readonly signature: string,
  ) {}

  /** Takes a message in, and compares it. Whatever is wrong with it is refused alike. */
  static async read(message: Bytes): Promise<SignedContent> {
    const length = number(message, message.length - 2);
    const end = message.length - 2 - length;
    if (length < 1 || length > MAX_SIGNATURE || !equal(message.subarray(0, MAGIC.length), MAGIC)) throw refused();
    const wrapped = number(message, FIXED_LENGTH - 2);
    const begin = FIXED_LENGTH + wrapped;
    if (wrapped < 1 || wrapped > MAX_WRAPPED || end - begin < METADATA || (end - begin) % IV_LENGTH !== 0) throw refused();
    const datum = message.slice(MAGIC.length, MAGIC.length + 32);
    const iv = message.slice(MAGIC.length + 32, FIXED_LENGTH - 2);
    const signature = ascii(message.subarray(end, end + length));
    const kept = message.slice(0, end);
    if (!says(signature, datum, await sha256(kept))) throw refused();
    return new SignedContent({ datum, iv, wrapped: kept.slice(FIXED_LENGTH, begin) }, kept.subarray(begin), signature);
  }

  /** With the key that the element gave out for this signature, which is overwritten. */
  async open(key: Bytes, iv: Bytes): Promise<{ metadata: Metadata; content: Bytes }> {
    const cipher = await imported(key, "decrypt");
    if (!equal(iv, this.head.iv)) throw refused();
    const text = await crypto.subtle.decrypt({ name: "AES-CBC", iv }, cipher, this.ciphertext).catch(() => {
      throw refused();
    });
    const bytes = new Uint8Array(text);
    const length = number(bytes, 0);
    if (length > MAX_METADATA || bytes.length < 2 + length) throw refused();
    try {
      const said = Fields.parse(bytes.subarray(2, 2 + length), "content_invalid").only("name", "type");
      const metadata = { name: said.text("name"), type: said.text("type") };
      checkMetadata(metadata, "content_invalid", "content_invalid");
      return { metadata, content: bytes.slice(2 + length) };
    } catch {
      throw refused();
    }
  }
}

/** Whether octets begin as a message of this profile does, of any version. */
export const isContent = (start: Uint8Array): boolean => equal(start.subarray(0, MAGIC.length - 1), MAGIC.subarray(0, -1));

/** What the signature claims, which the element verifies. */
function says(jws: string, datum: Bytes, digest: Bytes): boolean {
  try {
    const [, payload = ""] = jws.split(".");
    const claims = Fields.parse(fromBase64url(payload), "content_invalid");
    return claims.text("datum") === base64url(datum) && equal(claims.bytes("sha256"), digest);
  } catch {
    return false;
  }
}

async function imported(key: Bytes, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", key, "AES-CBC", false, [use]);
  } finally {
    key.fill(0);
  }
}

/** `length (2) ‖ JSON`, a multiple of 256 in all: JSON may end in spaces. */
function textOf(metadata: Metadata): Bytes {
  checkMetadata(metadata, "seal_name", "seal_media_type");
  const json = utf8(JSON.stringify(metadata));
  const padded = new Uint8Array(Math.ceil((2 + json.length) / METADATA) * METADATA - 2).fill(0x20);
  padded.set(json);
  return concat(u16(padded.length), padded);
}

/** Two octets, or nothing's length. */
const number = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);

function ascii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte > 0x7f)) throw refused();
  return fromUtf8(bytes);
}

const refused = (): SceauError => new SceauError("content_invalid");
