// Contents of the profile cbc-rs256 (docs/protect-by-tokens.md), for who must keep them so: AES-256-CBC, under a signature of the element's. What decrypts
// takes a `Content`, which was compared with its signature whole; the key of one comes where the element made that signature, and goes nowhere else.
import { base64url, type Bytes, concat, fromBase64url, SignedContent, UnsignedContent } from "@sceau/crypto/envelope";
import type { FileName } from "./data-key.js";
import { ofData, ProtectError } from "./errors.js";

/** A content is signed, and verified, whole: it is held in memory. Longer ones are for the keyfront, or for an envelope. */
const LONGEST = 256 * 1024 * 1024;

/** What the element is asked to sign. The permit is a secret until then: who has it can have another content signed for the datum. */
export interface ContentToSign {
  readonly datum: string;
  readonly permit: string;
  /** SHA-256 of the message so far, base64url. */
  readonly sha256: string;
}

/** A content that was opened, whole. */
export interface OpenedContent {
  readonly datum: string;
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The key of a new datum's content, for that one message. */
export class ContentKey {
  #raw: Bytes | undefined;

  /** @internal The bytes are this object's from then on. */
  constructor(
    raw: Bytes,
    private readonly iv: Bytes,
    private readonly of: { readonly datum: string; readonly wrappedKey: string },
    private readonly permit: string,
  ) {
    this.#raw = raw;
  }

  /** Encrypts; `signed` makes the message of it, once `toSign` was (`ActingFor.signContent`). */
  async seal(source: Blob | ReadableStream<Uint8Array>, { name, type = "" }: FileName): Promise<{ toSign: ContentToSign; signed: (signature: string) => Blob }> {
    const content = await inMemory(source);
    const raw = this.#raw;
    if (!raw) throw new ProtectError("data_key_used", "caller", "the key of a content is for one message");
    this.#raw = undefined;
    const head = { datum: fromBase64url(this.of.datum), iv: this.iv, wrapped: fromBase64url(this.of.wrappedKey) };
    try {
      const message = await UnsignedContent.seal(raw, head, { name, type }, content);
      const toSign = { datum: this.of.datum, permit: this.permit, sha256: base64url(message.sha256) };
      return { toSign, signed: (signature) => believed(() => message.signed(signature)) };
    } catch (error) {
      throw ofData(error);
    }
  }
}

/** A content as it was kept, its octets compared with what its signature names. Nothing of it is decrypted before the element knows the signature as its own. */
export class Content {
  private constructor(private readonly message: SignedContent) {}

  /** Takes all of it in. Whatever is wrong with it is `content_invalid`. */
  static async read(source: Blob | ReadableStream<Uint8Array>): Promise<Content> {
    const bytes = await inMemory(source);
    try {
      return new Content(await SignedContent.read(bytes));
    } catch (error) {
      throw ofData(error);
    }
  }

  get datum(): string {
    return base64url(this.message.head.datum);
  }
  get wrappedKey(): string {
    return base64url(this.message.head.wrapped);
  }
  get signature(): string {
    return this.message.signature;
  }

  /** @internal */
  async open(raw: Bytes, iv: Bytes): Promise<OpenedContent> {
    try {
      const { metadata, content } = await this.message.open(raw, iv);
      return { datum: this.datum, ...metadata, content };
    } catch (error) {
      throw ofData(error);
    }
  }
}

async function inMemory(source: Blob | ReadableStream<Uint8Array>): Promise<Bytes> {
  const reader = (source instanceof Blob ? source.stream() : source).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > LONGEST) {
      await reader.cancel();
      throw new ProtectError("content_too_long", "caller", "contents of this profile are held in memory, up to 256 MiB: have the keyfront do it, or take an envelope");
    }
    chunks.push(read.value);
  }
  return concat(...chunks);
}

function believed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ProtectError("answer_unproven", "answer", "the signature is of another content", undefined, { cause });
  }
}
