// The content stream: Tink's AES256_GCM_HKDF_1MB, part by part. No order is imposed here; seal.ts and open.ts keep it.
import { type Bytes, concat, equal, sha256, u32, utf8 } from "./bytes";
import { deriveAesKey, sha256AtOnce } from "./derive";
import { SceauError } from "./errors";

export const PART_LENGTH = 1 << 20;
export const STREAM_HEADER_LENGTH = 40;
const TAG = 16;
export const FIRST_PLAINTEXT = PART_LENGTH - STREAM_HEADER_LENGTH - TAG; // 1,048,520
export const NEXT_PLAINTEXT = PART_LENGTH - TAG; // 1,048,560

/** What a browser seals at most; larger files are for the command line. */
export const MAX_FILE = 4 * 1024 ** 3;

export function partCount(size: number): number {
  return size <= FIRST_PLAINTEXT ? 1 : 1 + Math.ceil((size - FIRST_PLAINTEXT) / NEXT_PLAINTEXT);
}

/** Where part `index` begins and ends in the plaintext of a file of `size` bytes. */
export function plaintextRange(index: number, size: number): { start: number; end: number } {
  const start = index === 0 ? 0 : FIRST_PLAINTEXT + (index - 1) * NEXT_PLAINTEXT;
  const end = FIRST_PLAINTEXT + index * NEXT_PLAINTEXT;
  return { start, end: Math.min(end, size) };
}

/** The key of one stream, and how each segment's nonce is made. */
export class StreamKey {
  private constructor(
    private readonly key: CryptoKey,
    private readonly noncePrefix: Bytes,
    readonly header: Bytes, // the 40 bytes that begin part 0
  ) {}

  static create(cek: Bytes, fixed: Bytes, salt: Bytes, noncePrefix: Bytes): Promise<StreamKey> {
    const header = concat(Uint8Array.of(STREAM_HEADER_LENGTH), salt, noncePrefix);
    return StreamKey.derive(cek, fixed, header, "encrypt");
  }

  /** From the first 40 bytes of part 0, or all of it. */
  static async read(cek: Bytes, fixed: Bytes, part0: Bytes): Promise<StreamKey> {
    if (part0.length < STREAM_HEADER_LENGTH) throw new SceauError("stream_truncated");
    if (part0[0] !== STREAM_HEADER_LENGTH) throw new SceauError("stream_header");
    return StreamKey.derive(cek, fixed, part0.slice(0, STREAM_HEADER_LENGTH), "decrypt");
  }

  private static async derive(
    cek: Bytes,
    fixed: Bytes,
    header: Bytes,
    usage: "encrypt" | "decrypt",
  ): Promise<StreamKey> {
    const key = await deriveAesKey(cek, header.slice(1, 33), sha256AtOnce(fixed), usage);
    return new StreamKey(key, header.slice(33), header);
  }

  async sealPart(index: number, last: boolean, plaintext: BufferSource): Promise<Bytes> {
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: this.nonce(index, last) }, this.key, plaintext);
    return index === 0 ? concat(this.header, new Uint8Array(sealed)) : new Uint8Array(sealed);
  }

  async openPart(index: number, last: boolean, part: Bytes): Promise<Bytes> {
    if (index === 0 && part.length < STREAM_HEADER_LENGTH) throw new SceauError("stream_truncated");
    if (index === 0 && !equal(part.subarray(0, STREAM_HEADER_LENGTH), this.header)) throw new SceauError("stream_header");
    const segment = index === 0 ? part.subarray(STREAM_HEADER_LENGTH) : part;
    const size = segment.length - TAG;
    const full = index === 0 ? FIRST_PLAINTEXT : NEXT_PLAINTEXT;
    if (size > full) throw new SceauError("stream_too_long", `part ${index}`);
    // Every part but the last is full, and only a file's first may be empty.
    if (size < 0 || (last ? size === 0 && index > 0 : size !== full)) throw new SceauError("stream_truncated", `part ${index}`);
    try {
      const iv = this.nonce(index, last);
      return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.key, segment));
    } catch (cause) {
      throw new SceauError("segment_refused", `part ${index}`, { cause });
    }
  }

  private nonce(index: number, last: boolean): Bytes {
    return concat(this.noncePrefix, u32(index), Uint8Array.of(last ? 1 : 0));
  }
}

/** The hash that a manifest signs: of the fixed header, the metadata and each part. */
export async function envelopeHash(fixed: Bytes, metadataSection: Bytes, partHashes: Bytes[]): Promise<Bytes> {
  const leaves = concat(sha256AtOnce(fixed), sha256AtOnce(metadataSection), ...partHashes);
  return sha256(utf8("sceau-1/envelope\0"), leaves);
}
