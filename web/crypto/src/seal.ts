// Sealing a file in constant memory: a few parts are read, encrypted and hashed at once, and come out in order.
import { type Bytes, equal, hex, random, sha256 } from "./bytes";
import { SceauError } from "./errors";
import { ordered } from "./ordered";
import { buildHeader, type Metadata, parseHeader, type UnverifiedHeader } from "./header";
import { keyIdHex, type RecipientKey, wrap } from "./recipients";
import { envelopeHash, MAX_FILE, partCount, plaintextRange, StreamKey } from "./stream";

export interface SealedPart {
  readonly index: number;
  readonly last: boolean;
  readonly bytes: Bytes;
  readonly hash: Bytes; // SHA-256 of bytes
  /** Plaintext bytes sealed so far, this part included. */
  readonly done: number;
}

export class Sealer {
  readonly parts: number;
  readonly size: number;
  readonly #hashes: (Bytes | undefined)[];

  private constructor(
    private readonly source: Blob,
    private readonly stream: StreamKey,
    private readonly parsed: UnverifiedHeader,
    /** The header to store beside the parts. */
    readonly header: Bytes,
  ) {
    this.size = source.size;
    this.parts = partCount(this.size);
    this.#hashes = new Array<Bytes | undefined>(this.parts).fill(undefined);
  }

  /** Draws the content key, which nothing outside this object ever holds, and wraps it for each recipient. A file of a dossier brings its
   * id (`fileIdOf`); 16 random bytes do for any other. */
  static async create(source: Blob, metadata: Metadata, recipients: readonly RecipientKey[], fileId: Bytes = random(16)): Promise<Sealer> {
    if (source.size > MAX_FILE) throw new SceauError("seal_too_large");
    const ids = await Promise.all(recipients.map(keyIdHex));
    if (new Set(ids).size !== ids.length) throw new SceauError("seal_duplicate_recipient");
    const cek = random(32);
    const stanzas = await Promise.all(recipients.map((recipient) => wrap(recipient, fileId, cek)));
    const header = await buildHeader(cek, fileId, stanzas, { name: metadata.name, type: metadata.type || "application/octet-stream" });
    const parsed = parseHeader(header);
    const stream = await StreamKey.create(cek, parsed.fixed, random(32), random(7));
    cek.fill(0);
    return new Sealer(source, stream, parsed, header);
  }

  get fileId(): string {
    return hex(this.parsed.fileId);
  }

  /** All parts in order, never more than a few in memory. */
  async *all(): AsyncGenerator<SealedPart, void, undefined> {
    yield* ordered(this.parts, (index) => this.part(index));
  }

  /**
   * One part, as often as an upload needs it. The same plaintext gives the same bytes; a file that changed meanwhile would encrypt two
   * texts under one nonce, so what differs from the first time is never handed out.
   */
  async part(index: number): Promise<SealedPart> {
    const { start, end } = plaintextRange(index, this.size);
    const last = index === this.parts - 1;
    const plaintext = await readSlice(this.source, start, end);
    const bytes = await this.stream.sealPart(index, last, plaintext);
    const hash = await sha256(bytes);
    const before = this.#hashes[index];
    if (before && !equal(before, hash)) throw new SceauError("file_changed");
    this.#hashes[index] = hash;
    return { index, last, bytes, hash, done: end };
  }

  /** After every part has come out once. Hexadecimal. */
  async envelopeHash(): Promise<string> {
    const hashes = this.#hashes.filter((hash) => hash !== undefined);
    if (hashes.length !== this.parts) throw new SceauError("stream_truncated");
    return hex(await envelopeHash(this.parsed.fixed, this.parsed.metadataSection, hashes));
  }
}

async function readSlice(source: Blob, start: number, end: number): Promise<ArrayBuffer> {
  let slice: ArrayBuffer;
  try {
    slice = await source.slice(start, end).arrayBuffer();
  } catch (cause) {
    throw new SceauError("file_unreadable", "", { cause });
  }
  if (slice.byteLength !== end - start) throw new SceauError("file_changed");
  return slice;
}
