// A datum's data key, for one of two uses: fields, each text under a vector of its own; or one file, in an envelope.
import { base64url, type Bytes, datumStanza, fromBase64url, PipedEnvelope, random, sealPiped, utf8 } from "@sceau/crypto/envelope";
import { ofData, ProtectError } from "./errors.js";
import { told } from "./streams.js";

/** What an application keeps of a field. Nothing in it is secret, and nothing in it opens without the element. */
export interface ProtectedField {
  readonly datum: string;
  readonly wrappedKey: string;
  /** 12 bytes, base64url. Without it, the vector that came with the data key. */
  readonly iv?: string;
  /** AES-256-GCM with its tag, base64url; the datum's id is its associated data. */
  readonly ciphertext: string;
}

export interface FileName {
  readonly name: string;
  /** `application/octet-stream`, unless said. */
  readonly type?: string;
}

export interface OpenedFile {
  readonly datum: string;
  readonly name: string;
  readonly type: string;
  /** What comes out was verified; that it is whole is said by its end, and an error in its place says that it is not. */
  readonly content: ReadableStream<Uint8Array<ArrayBuffer>>;
}

interface Of {
  readonly datum: string;
  readonly wrappedKey: string;
}

export class DataKey {
  readonly datum: string;
  readonly wrappedKey: string;
  #raw: Bytes | undefined;
  #iv: Bytes;
  readonly #fresh: boolean;

  /** @internal The bytes are this object's from then on. `fresh`: nothing was encrypted with key and vector yet. */
  constructor(raw: Bytes, iv: Bytes, { datum, wrappedKey }: Of, fresh: boolean) {
    [this.#raw, this.#iv, this.#fresh] = [raw, iv, fresh];
    [this.datum, this.wrappedKey] = [datum, wrappedKey];
  }

  /** For fields. */
  async forFields(): Promise<FieldKey> {
    const raw = this.#take();
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    raw.fill(0);
    return new FieldKey(key, this.#iv, this, this.#fresh);
  }

  /** For one file, which comes out as an envelope of the recipient suite `datum` (docs/envelope.md). */
  async sealFile(source: Blob | ReadableStream<Uint8Array>, { name, type = "" }: FileName): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const stanza = datumStanza({ datum: fromBase64url(this.datum), wrapped: fromBase64url(this.wrappedKey) });
    const input = source instanceof Blob ? source.stream() : source;
    try {
      return told(await sealPiped({ source: input, metadata: { name, type }, cek: this.#take(), stanzas: [stanza] }));
    } catch (error) {
      throw ofData(error);
    }
  }

  /** @internal */
  async openEnvelope(envelope: PipedEnvelope): Promise<OpenedFile> {
    try {
      const { metadata, content } = await envelope.open(this.#take());
      return { datum: this.datum, ...metadata, content: told(content) };
    } catch (error) {
      throw ofData(error);
    }
  }

  #take(): Bytes {
    const raw = this.#raw;
    if (!raw) throw new ProtectError("data_key_used", "caller", "a data key is for fields, or for one file: ask for it again");
    this.#raw = undefined;
    return raw;
  }
}

/** Encrypts and decrypts fields of one datum. The key stays in the engine. */
export class FieldKey {
  #next: Bytes | undefined;

  /** @internal */
  constructor(
    private readonly key: CryptoKey,
    private readonly first: Bytes,
    private readonly of: Of,
    fresh: boolean,
  ) {
    this.#next = fresh ? first : undefined;
  }

  /** The first text of a new datum takes the vector that came with its key; each further one a fresh vector. */
  async seal(text: string | Uint8Array<ArrayBuffer>): Promise<ProtectedField> {
    const iv = this.#next ?? random(12);
    this.#next = undefined;
    const { datum, wrappedKey } = this.of;
    const bytes = typeof text === "string" ? utf8(text) : text;
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(datum) }, this.key, bytes);
    return { datum, wrappedKey, iv: base64url(iv), ciphertext: base64url(new Uint8Array(sealed)) };
  }

  async open(field: ProtectedField): Promise<Uint8Array<ArrayBuffer>> {
    if (field.datum !== this.of.datum) throw refused("the field is of another datum");
    try {
      const iv = field.iv === undefined ? this.first : fromBase64url(field.iv);
      const gcm = { name: "AES-GCM", iv, additionalData: utf8(field.datum) };
      return new Uint8Array(await crypto.subtle.decrypt(gcm, this.key, fromBase64url(field.ciphertext)));
    } catch (cause) {
      throw refused("altered, or not of this datum", cause);
    }
  }
}

const refused = (detail: string, cause?: unknown): ProtectError => new ProtectError("field_refused", "data", detail, undefined, { cause });
