// Whole envelopes as streams, of any length, in constant memory: what comes in is read part by part, as what comes out is asked for.
import { type Bytes, concat, random } from "./bytes";
import { SceauError } from "./errors";
import { authenticate, buildHeader, FIXED_LENGTH, headerLength, type Metadata, openMetadata, parseHeader, type Stanza, type UnverifiedHeader } from "./header";
import { FIRST_PLAINTEXT, NEXT_PLAINTEXT, PART_LENGTH, StreamKey } from "./stream";

const MOST_PARTS = 2 ** 32;

/** What is sealed, under which content key, and how that reaches its recipients. */
export interface Sealing {
  readonly source: ReadableStream<Uint8Array>;
  readonly metadata: Metadata;
  /** 32 bytes, used for this one file, and overwritten before anything comes out. */
  readonly cek: Bytes;
  readonly stanzas: readonly Stanza[];
}

/** The envelope, header first. */
export async function sealPiped({ source, metadata, cek, stanzas }: Sealing): Promise<ReadableStream<Bytes>> {
  const [header, key] = await begin(metadata, cek, stanzas).finally(() => cek.fill(0));
  const input = new Input(source);
  let first: Bytes | undefined = header;
  return inParts(input, async (index) => {
    const plaintext = await input.take(index === 0 ? FIRST_PLAINTEXT : NEXT_PLAINTEXT);
    const last = await input.ended();
    const sealed = await key.sealPart(index, last, plaintext);
    const bytes = first ? concat(first, sealed) : sealed;
    first = undefined;
    return { bytes, last };
  });
}

async function begin({ name, type }: Metadata, cek: Bytes, stanzas: readonly Stanza[]): Promise<[Bytes, StreamKey]> {
  const header = await buildHeader(cek, random(16), stanzas, { name, type: type || "application/octet-stream" });
  return [header, await StreamKey.create(cek, parseHeader(header).fixed, random(32), random(7))];
}

/** An envelope that is being read: its header was parsed, and nothing of it is proven. */
export class PipedEnvelope {
  private constructor(
    readonly header: UnverifiedHeader,
    private readonly input: Input,
  ) {}

  static async read(source: ReadableStream<Uint8Array>): Promise<PipedEnvelope> {
    const input = new Input(source);
    try {
      const start = await input.take(FIXED_LENGTH + 4);
      return new PipedEnvelope(parseHeader(concat(start, await input.take(headerLength(start) - start.length))), input);
    } catch (error) {
      await input.cancel(error);
      throw error;
    }
  }

  /**
   * With its content key, which is overwritten. What comes out of `content` was verified; that it is the whole file is said by the stream's
   * end, and an error in its place says that it is not.
   */
  async open(cek: Bytes): Promise<{ metadata: Metadata; content: ReadableStream<Bytes> }> {
    try {
      const header = authenticate(this.header, cek);
      const metadata = await openMetadata(header, cek);
      let first: Bytes | undefined = await this.input.take(PART_LENGTH);
      const key = await StreamKey.read(cek, header.fixed, first);
      const content = inParts(this.input, async (index) => {
        const part = first ?? (await this.input.take(PART_LENGTH));
        first = undefined;
        const last = await this.input.ended();
        return { bytes: await key.openPart(index, last, part), last };
      });
      return { metadata, content };
    } catch (error) {
      await this.input.cancel(error);
      throw error;
    } finally {
      cek.fill(0);
    }
  }

  /** Reads no further. */
  cancel(reason?: unknown): Promise<void> {
    return this.input.cancel(reason);
  }
}

function inParts(input: Input, next: (index: number) => Promise<{ bytes: Bytes; last: boolean }>): ReadableStream<Bytes> {
  let index = 0;
  return new ReadableStream<Bytes>(
    {
      async pull(out) {
        try {
          if (index === MOST_PARTS) throw new SceauError("stream_too_long");
          const { bytes, last } = await next(index);
          index += 1;
          if (bytes.length > 0) out.enqueue(bytes);
          if (last) out.close();
        } catch (error) {
          await input.cancel(error);
          throw error;
        }
      },
      cancel: (reason) => input.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Takes pieces of a length from a stream that comes in pieces of any other. */
class Input {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #kept: Uint8Array[] = [];
  #length = 0;
  #done = false;

  constructor(source: ReadableStream<Uint8Array>) {
    this.#reader = source.getReader();
  }

  /** Fewer bytes only where the stream ends. */
  async take(length: number): Promise<Bytes> {
    await this.#fill(length);
    const out = new Uint8Array(Math.min(length, this.#length));
    let at = 0;
    while (at < out.length) {
      const piece = this.#kept[0] as Uint8Array;
      const part = piece.subarray(0, out.length - at);
      out.set(part, at);
      at += part.length;
      if (part.length === piece.length) this.#kept.shift();
      else this.#kept[0] = piece.subarray(part.length);
    }
    this.#length -= out.length;
    return out;
  }

  /** Whether nothing follows. */
  async ended(): Promise<boolean> {
    await this.#fill(1);
    return this.#length === 0;
  }

  /** Where the stream failed already, there is nothing left to cancel. */
  async cancel(reason: unknown): Promise<void> {
    this.#kept = [];
    await this.#reader.cancel(reason).catch(() => undefined);
  }

  async #fill(length: number): Promise<void> {
    while (this.#length < length && !this.#done) {
      const { done, value } = await this.#reader.read();
      this.#done = done;
      if (value && value.length > 0) {
        this.#kept.push(value);
        this.#length += value.length;
      }
    }
  }
}
