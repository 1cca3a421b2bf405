// Proofs built from tiles, judged by the package's verifiers: every level of tile, full and partial.
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Bytes, rootOf, sha256, verifyConsistency, verifyInclusion } from "@sceau/crypto";
import { tilePath, Tiles } from "../src/trace/tiles";

const SIZE = 66_000;
const leaves = await Promise.all(Array.from({ length: SIZE }, (_, i) => sha256(Uint8Array.of(i & 255, (i >> 8) & 255, i >> 16))));
const level1 = await Promise.all(Array.from({ length: Math.floor(SIZE / 256) }, (_, i) => rootOf(leaves.slice(i * 256, (i + 1) * 256))));
const level2 = [await rootOf(level1.slice(0, 256))];

/** A log's file server: exactly the tiles that a log of this size has. */
function serve(size: number): void {
  vi.stubGlobal("fetch", (path: string) => {
    for (const [level, hashes] of [leaves, level1, level2].entries()) {
      const available = Math.floor(size / 256 ** level);
      for (let tile = 0; tile * 256 < available; tile += 1) {
        if (path !== `/trace/tile/${level}/${tilePath(tile, available)}`) continue;
        const chosen = hashes.slice(tile * 256, Math.min(available, (tile + 1) * 256));
        return Promise.resolve(new Response(new Blob(chosen)));
      }
    }
    return Promise.resolve(new Response("", { status: 404 }));
  });
}
afterEach(() => vi.unstubAllGlobals());
const roots = new Map<number, Promise<Bytes>>();
function root(size: number): Promise<Bytes> {
  const known = roots.get(size) ?? rootOf(leaves.slice(0, size));
  roots.set(size, known);
  return known;
}

describe("tiles", () => {
  it.each([1, 2, 255, 256, 257, 700, 65_536, SIZE])("of a log of %i entries prove inclusion", async (size) => {
    serve(size);
    const tiles = new Tiles(size);
    const expected = await root(size);
    for (const index of new Set([0, 1, 255, 256, size >> 1, size - 1].filter((i) => i < size))) {
      await verifyInclusion(leaves[index] ?? new Uint8Array(32), index, size, await tiles.inclusion(index), expected);
    }
  });

  it.each([[1, 2], [255, 256], [256, 700], [300, SIZE], [65_536, SIZE], [65_537, SIZE], [SIZE, SIZE]])("prove that %i entries begin %i", async (from, size) => {
    serve(size);
    await verifyConsistency(from, size, await new Tiles(size).consistency(from), await root(from), await root(size));
  });

  it("are named in groups of three digits", () => {
    expect(tilePath(1_234_067, 1e9)).toBe("x001/x234/067");
    expect(tilePath(0, 5)).toBe("000.p/5");
    expect(tilePath(3, 1024)).toBe("003");
  });
});
