/** The published tiles of the log (C2SP tlog-tiles), and the proofs that a reader builds from them. Nothing read here is believed: a proof is
 * worth what `verifyInclusion` and `verifyConsistency` say of it under a signed checkpoint. */
import { type Bytes, rootOf } from "@sceau/crypto";
import { call } from "../api/http";

const WIDTH = 256;
const HASH = 32;

/** Reads hashes of a log of `size` entries, tile by tile, each tile once. */
export class Tiles {
  readonly #kept = new Map<string, Promise<Bytes>>();

  constructor(readonly size: number) {}

  /** The sibling hashes from leaf `index` to the root (RFC 9162 section 2.1.3.1). */
  inclusion(index: number): Promise<Bytes[]> {
    return this.#path(index, 0, this.size);
  }

  /** That the log of `from` entries begins this one (RFC 9162 section 2.1.4.1). */
  consistency(from: number): Promise<Bytes[]> {
    return from === 0 || from === this.size ? Promise.resolve([]) : this.#subproof(from, 0, this.size, true);
  }

  async #path(index: number, start: number, end: number): Promise<Bytes[]> {
    if (end - start <= 1) return [];
    const middle = start + largestPower(end - start);
    return index < middle
      ? [...(await this.#path(index, start, middle)), await this.#root(middle, end)]
      : [...(await this.#path(index, middle, end)), await this.#root(start, middle)];
  }

  async #subproof(old: number, start: number, end: number, whole: boolean): Promise<Bytes[]> {
    if (old === end) return whole ? [] : [await this.#root(start, end)];
    const middle = start + largestPower(end - start);
    return old <= middle
      ? [...(await this.#subproof(old, start, middle, whole)), await this.#root(middle, end)]
      : [...(await this.#subproof(old, middle, end, false)), await this.#root(start, middle)];
  }

  /** The root over entries `start` to `end`: complete subtrees come whole from the highest tile that has them. */
  async #root(start: number, end: number): Promise<Bytes> {
    const span = end - start;
    if (span !== largestPower(span + 1)) {
      const middle = start + largestPower(span);
      return rootOf([await this.#root(start, middle), await this.#root(middle, end)]);
    }
    let level = 0;
    let width = 1;
    while (width * WIDTH <= span) {
      width *= WIDTH;
      level += 1;
    }
    const hashes: Bytes[] = [];
    for (let at = start; at < end; at += width) hashes.push(await this.#hash(level, at / width));
    return rootOf(hashes);
  }

  async #hash(level: number, index: number): Promise<Bytes> {
    const tile = Math.floor(index / WIDTH);
    const bytes = await this.#tile(level, tile);
    const at = (index % WIDTH) * HASH;
    return bytes.slice(at, at + HASH);
  }

  #tile(level: number, tile: number): Promise<Bytes> {
    const path = `/trace/tile/${level}/${tilePath(tile, Math.floor(this.size / WIDTH ** level))}`;
    let read = this.#kept.get(path);
    if (!read) this.#kept.set(path, (read = octets(path)));
    return read;
  }

  /** The entries of one bundle of up to 256, from `first` = 256 × bundle. */
  async bundle(number: number): Promise<Bytes[]> {
    const bytes = await octets(`/trace/tile/entries/${tilePath(number, this.size)}`);
    const entries: Bytes[] = [];
    for (let at = 0; at + 2 <= bytes.length; ) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      entries.push(bytes.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return entries;
  }
}

/** Tile `n` of a level that holds `available` hashes: groups of three digits, and the width when the tile is not full. */
export function tilePath(n: number, available: number): string {
  const groups: string[] = [];
  for (let rest = n; ; rest = Math.floor(rest / 1000)) {
    groups.unshift(String(rest % 1000).padStart(3, "0"));
    if (rest < 1000) break;
  }
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
  const width = Math.min(WIDTH, available - n * WIDTH);
  return width === WIDTH ? path : `${path}.p/${width}`;
}

/** The largest power of two below n (n > 1). */
function largestPower(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

async function octets(path: string): Promise<Bytes> {
  return new Uint8Array(await (await call("GET", path)).arrayBuffer());
}
