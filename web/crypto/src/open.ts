// Opening an envelope. Nothing comes out that has not been authenticated; parts may be asked for in any order.
import { type Bytes, hex, sha256 } from "./bytes";
import { SceauError } from "./errors";
import { authenticate, checkCommitment, type Metadata, openMetadata, parseHeader, type UnverifiedHeader } from "./header";
import { envelopeHash, StreamKey } from "./stream";

export interface OpenedPart {
  readonly plaintext: Bytes;
  readonly hash: Bytes; // SHA-256 of the part
}

/** What is needed to open an envelope, but its parts. */
export interface Beginning {
  readonly header: Bytes;
  readonly cek: Bytes;
  /** How many parts there are, from the signed manifest. */
  readonly parts: number;
  /** The first 40 bytes of part 0, or all of it. */
  readonly start: Bytes;
}

/** Decrypts parts. Whether they are together what was signed for is `checkWhole`'s. */
export class Opener {
  private constructor(
    private readonly stream: StreamKey,
    readonly metadata: Metadata,
    readonly parts: number,
  ) {}

  /** Commitment and MAC are checked before anything else. */
  static async create({ header: bytes, cek, parts, start }: Beginning): Promise<Opener> {
    checkCount(parts);
    const header = authenticate(parseHeader(bytes), cek);
    const [metadata, stream] = await Promise.all([openMetadata(header, cek), StreamKey.read(cek, header.fixed, start)]);
    return new Opener(stream, metadata, parts);
  }

  part(index: number, bytes: Bytes): Promise<Bytes> {
    checkIndex(index, this.parts);
    return this.stream.openPart(index, index === this.parts - 1, bytes);
  }

  async partAndHash(index: number, bytes: Bytes): Promise<OpenedPart> {
    const [plaintext, hash] = await Promise.all([this.part(index, bytes), sha256(bytes)]);
    return { plaintext, hash };
  }
}

/** The content of a file of one part. Whether the rest of its header is authentic is for the caller to see before using it. */
export async function openLone(fixed: Bytes, cek: Bytes, part: Bytes): Promise<Bytes> {
  checkCommitment(fixed, cek);
  const stream = await StreamKey.read(cek, fixed, part);
  cek.fill(0);
  return stream.openPart(0, true, part);
}

/** Every part was seen (`hashes` holds theirs by index), and together they are the envelope that was signed for. */
export async function checkWhole(
  header: UnverifiedHeader,
  parts: number,
  hashes: ReadonlyMap<number, Bytes>,
  expectedEnvelopeHash: string,
): Promise<void> {
  const all: Bytes[] = [];
  for (let i = 0; i < parts; i += 1) {
    const hash = hashes.get(i);
    if (!hash) throw new SceauError("stream_truncated");
    all.push(hash);
  }
  const hash = hex(await envelopeHash(header.fixed, header.metadataSection, all));
  if (hash !== expectedEnvelopeHash) throw new SceauError("envelope_hash");
}

export function checkCount(parts: number): void {
  if (!Number.isSafeInteger(parts) || parts < 1 || parts > 2 ** 32) throw new SceauError("stream_too_long", "count");
}

export function checkIndex(index: number, parts: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= parts) throw new SceauError("stream_too_long", "index");
}
