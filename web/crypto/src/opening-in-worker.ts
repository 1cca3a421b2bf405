// One file being opened in a worker, which checks the header under the content key before any part.
import { type Bytes, sha256 } from "./bytes";
import { SceauError } from "./errors";
import { authenticate, fileIdHex, type Metadata, openMetadata, parseHeader, type UnverifiedHeader } from "./header";
import { checkCount, checkIndex, checkWhole, type OpenedPart } from "./open";
import { ordered } from "./ordered";
import { PART_LENGTH, STREAM_HEADER_LENGTH } from "./stream";
import type { Thread } from "./thread";

/** Where a lone part is copied to; it comes back from the worker, so that its memory is asked for once. */
let spare: ArrayBuffer | undefined;

export class OpeningInWorker {
  readonly #header: UnverifiedHeader;
  readonly #cek: Bytes;
  readonly #hashes = new Map<number, Bytes>();
  #begun = false;
  #start: Bytes | undefined;
  #metadata: Metadata | undefined;

  constructor(
    private readonly thread: Thread,
    private readonly handle: number,
    private readonly header: Bytes,
    cek: Bytes,
    private readonly parts: number,
  ) {
    checkCount(parts);
    this.#header = parseHeader(header);
    this.#cek = cek.slice();
  }

  /** As the header says; it is true once a part came out. */
  get fileId(): string {
    return fileIdHex(this.#header);
  }

  /** Once a part came out. */
  get metadata(): Metadata {
    if (!this.#metadata) throw new Error("no part was opened yet");
    return this.#metadata;
  }

  /** Takes the bytes away. Part 0 carries the stream's salt: give it first, whichever part is wanted then. */
  async part(index: number, bytes: Bytes): Promise<Bytes> {
    checkIndex(index, this.parts);
    if (index === 0) this.#start ??= bytes.slice(0, STREAM_HEADER_LENGTH);
    if (!this.#start) throw new SceauError("stream_header", "part 0 must come first");
    return this.parts === 1 && bytes.length <= PART_LENGTH ? this.#lone(bytes) : this.#oneOfMany(index, bytes);
  }

  /** Every part's plaintext in order, a few parts in hand at once. `fetch` gives the part, whose bytes are then taken away. */
  async *all(fetch: (index: number) => Promise<Bytes>): AsyncGenerator<Bytes, void, undefined> {
    const first = await fetch(0); // it carries the stream's salt, so the others wait for it to come
    yield* ordered(this.parts, async (index) => this.part(index, index === 0 ? first : await fetch(index)));
  }

  /** After this the plaintext is the file that was signed for. */
  async finish(expectedEnvelopeHash: string): Promise<void> {
    this.#cek.fill(0);
    await checkWhole(this.#header, this.parts, this.#hashes, expectedEnvelopeHash);
  }

  /** The worker forgets the file and its keys. */
  release(): void {
    this.#cek.fill(0);
    if (this.#begun) this.thread.release(this.handle);
  }

  async #oneOfMany(index: number, bytes: Bytes): Promise<Bytes> {
    const { header, parts, handle } = this;
    const beginning = this.#begun ? null : { header, cek: this.#cek, parts, start: this.#start as Bytes };
    this.#begun = true;
    const call = { do: "open-part", handle, index, bytes, beginning } as const;
    const opened = (await this.thread.ask(call, [bytes.buffer])) as OpenedPart & { metadata: Metadata };
    this.#metadata ??= opened.metadata;
    this.#hashes.set(index, opened.hash);
    return opened.plaintext;
  }

  /** A lone part is decrypted in the worker while it is hashed here, at most 1 MiB in a millisecond: browsers do each in the calling thread. */
  async #lone(bytes: Bytes): Promise<Bytes> {
    const room = spare ?? new ArrayBuffer(PART_LENGTH);
    spare = undefined;
    const copy = new Uint8Array(room, 0, bytes.length);
    copy.set(bytes);
    const call = { do: "open-lone", fixed: this.#header.fixed, cek: this.#cek, bytes: copy } as const;
    const content = this.thread.ask(call, [room]) as Promise<{ plaintext: Bytes; used: ArrayBuffer }>;
    // None of the three is used unless each holds.
    const [metadata, hash, { plaintext, used }] = await Promise.all([this.#name(), sha256(bytes), content]);
    this.#metadata ??= metadata;
    this.#hashes.set(0, hash);
    spare = used;
    return plaintext;
  }

  async #name(): Promise<Metadata> {
    return openMetadata(authenticate(this.#header, this.#cek), this.#cek);
  }
}
