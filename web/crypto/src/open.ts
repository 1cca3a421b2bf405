// Opening an envelope. Nothing comes out that has not been authenticated; parts may be asked for in any order.
import { type Bytes, hex, sha256 } from "./bytes";
import { SceauError } from "./errors";
import { authenticate, type Metadata, parseHeader, type UnverifiedHeader } from "./header";
import { envelopeHash, StreamKey } from "./stream";

export class Opener {
  readonly #hashes = new Map<number, Bytes>();
  #stream: Promise<StreamKey> | undefined;

  private constructor(
    private readonly header: UnverifiedHeader,
    private readonly cek: Bytes,
    readonly metadata: Metadata,
    readonly parts: number,
  ) {}

  /** Commitment and MAC are checked before anything else. `parts` comes from the signed manifest. */
  static async create(headerBytes: Bytes, cek: Bytes, parts: number): Promise<Opener> {
    if (!Number.isSafeInteger(parts) || parts < 1 || parts > 2 ** 32) throw new SceauError("stream-too-long", "count");
    const header = parseHeader(headerBytes);
    const metadata = await authenticate(header, cek);
    return new Opener(header, cek.slice(), metadata, parts);
  }

  get fileId(): string {
    return hex(this.header.fileId);
  }

  /** Part 0 carries the stream's salt: give it first, whichever part is wanted then. */
  async part(index: number, bytes: Bytes): Promise<Bytes> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.parts) throw new SceauError("stream-too-long", "index");
    if (index === 0) this.#stream ??= StreamKey.read(this.cek, this.header.fixed, bytes);
    const stream = await this.#stream;
    if (!stream) throw new SceauError("stream-header", "part 0 must come first");
    const [plaintext, hash] = await Promise.all([
      stream.openPart(index, index === this.parts - 1, bytes),
      sha256(bytes),
    ]);
    this.#hashes.set(index, hash);
    return plaintext;
  }

  /** Every part was seen, the last one as last, and together they are the envelope that was signed for. */
  async finish(expectedEnvelopeHash: string): Promise<void> {
    const hashes: Bytes[] = [];
    for (let i = 0; i < this.parts; i += 1) {
      const hash = this.#hashes.get(i);
      if (!hash) throw new SceauError("stream-truncated");
      hashes.push(hash);
    }
    const hash = hex(await envelopeHash(this.header.fixed, this.header.metadataSection, hashes));
    this.cek.fill(0);
    if (hash !== expectedEnvelopeHash) throw new SceauError("envelope-hash");
  }
}
