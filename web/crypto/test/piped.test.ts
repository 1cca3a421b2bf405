// Envelopes as streams, under a datum's key. What they refuse is said by the vectors, which pass through the same reader.
import { describe, expect, it } from "vitest";
import { type Bytes, concat, hex, random } from "../src/bytes";
import { datumOf, datumStanza } from "../src/datum";
import { codeOf } from "../src/errors";
import { PipedEnvelope, sealPiped } from "../src/piped";
import { FIRST_PLAINTEXT, NEXT_PLAINTEXT, partCount, STREAM_HEADER_LENGTH } from "../src/stream";

const [datum, wrapped] = [random(32), random(60)];
const metadata = { name: "bulletin de paie.pdf", type: "application/pdf" };

/** Zeros in pieces of 64 KiB, and how many were asked for. */
function zeros(size: number): { source: ReadableStream<Uint8Array>; state: { given: number; cancelled: boolean } } {
  const state = { given: 0, cancelled: false };
  const source = new ReadableStream<Uint8Array>(
    {
      pull(out) {
        if (state.given === size) return out.close();
        const length = Math.min(65_536, size - state.given);
        state.given += length;
        out.enqueue(new Uint8Array(length));
      },
      cancel: () => void (state.cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { source, state };
}

const seal = (cek: Bytes, source: ReadableStream<Uint8Array>): Promise<ReadableStream<Bytes>> =>
  sealPiped({ source, metadata, cek: cek.slice(), stanzas: [datumStanza({ datum, wrapped })] });

async function whole(stream: ReadableStream<Bytes>): Promise<Bytes> {
  const all: Bytes[] = [];
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) all.push(read.value);
  return concat(...all);
}

describe("what goes through a pipe comes out of one", () => {
  it.each([0, 1, FIRST_PLAINTEXT - 1, FIRST_PLAINTEXT, FIRST_PLAINTEXT + 1, FIRST_PLAINTEXT + NEXT_PLAINTEXT])("%i bytes", async (size) => {
    const cek = random(32);
    const sealed = await whole(await seal(cek, zeros(size).source));
    const envelope = await PipedEnvelope.read(new Blob([sealed]).stream());
    expect(sealed.length).toBe(envelope.header.length + STREAM_HEADER_LENGTH + size + 16 * partCount(size));
    expect(datumOf(envelope.header)).toEqual({ datum, wrapped });
    const opened = await envelope.open(cek.slice());
    expect(opened.metadata).toEqual(metadata);
    expect(hex(await whole(opened.content))).toBe("00".repeat(size));
  });
});

it("takes no more than a part ahead of who reads, and stops where they stop", async () => {
  const { source, state } = zeros(100 * FIRST_PLAINTEXT);
  const reader = (await seal(random(32), source)).getReader();
  await reader.read();
  expect(state.given).toBeLessThan(FIRST_PLAINTEXT + 3 * 65_536);
  await reader.cancel();
  expect(state.cancelled).toBe(true);
});

it("forgets the content key, also where nothing came of it", async () => {
  for (const name of ["a", "no/name"]) {
    const cek = random(32);
    await sealPiped({ source: zeros(1).source, metadata: { name, type: "" }, cek, stanzas: [datumStanza({ datum, wrapped })] }).catch(codeOf);
    expect(cek).toEqual(new Uint8Array(32));
  }
  const sealed = await whole(await seal(random(32), zeros(1).source));
  const other = random(32);
  const opening = (await PipedEnvelope.read(new Blob([sealed]).stream())).open(other);
  expect(await opening.then(() => "opened", codeOf)).toBe("envelope_commitment");
  expect(other).toEqual(new Uint8Array(32));
});
