// RFC 6962 / RFC 9162 Merkle proofs. Sizes and indices are safe integers, so no bit operators (they are 32 bits wide here).
import { type Bytes, concat, equal, sha256 } from "./bytes";
import { SceauError } from "./errors";

const odd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);
const natural = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

export const leafHash = (entry: Bytes): Promise<Bytes> => sha256(concat(Uint8Array.of(0), entry));
export const nodeHash = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(concat(Uint8Array.of(1), left, right));

/** RFC 9162 section 2.1.3.2. Throws unless the leaf is entry `index` of the log of `size` entries under `root`. */
export async function verifyInclusion(leaf: Bytes, index: number, size: number, proof: Bytes[], root: Bytes): Promise<void> {
  if (!natural(index) || !natural(size) || index >= size) throw new SceauError("proof.out_of_range");
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0 || sibling.length !== 32) throw new SceauError("proof.wrong_length");
    if (odd(fn) || fn === sn) {
      hash = await nodeHash(sibling, hash);
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw new SceauError("proof.wrong_length");
  if (!equal(hash, root)) throw new SceauError("proof.root_mismatch");
}

/** RFC 9162 section 2.1.4.2. Throws unless the log of `newSize` entries begins with that of `oldSize`. */
export async function verifyConsistency(
  oldSize: number,
  newSize: number,
  proof: Bytes[],
  oldRoot: Bytes,
  newRoot: Bytes,
): Promise<void> {
  if (!natural(oldSize) || !natural(newSize) || oldSize > newSize) throw new SceauError("proof.out_of_range");
  if (oldSize === newSize || oldSize === 0) {
    // Nothing to prove, so nothing may be said: every log begins with the empty one, and equal logs have equal roots.
    const expected = oldSize === 0 ? await sha256(new Uint8Array(0)) : newRoot;
    if (proof.length > 0) throw new SceauError("proof.wrong_length");
    if (!equal(oldRoot, expected)) throw new SceauError("proof.root_mismatch");
    return;
  }
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (odd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  // An old tree of 2^k entries is its own first node and is left out of the proof (fn is then 0).
  const nodes = fn === 0 ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = nodes;
  if (!first) throw new SceauError("proof.wrong_length");
  let fr = first;
  let sr = first;
  for (const node of rest) {
    if (sn === 0 || node.length !== 32) throw new SceauError("proof.wrong_length");
    if (odd(fn) || fn === sn) {
      fr = await nodeHash(node, fr);
      sr = await nodeHash(node, sr);
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = await nodeHash(sr, node);
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw new SceauError("proof.wrong_length");
  if (!equal(fr, oldRoot) || !equal(sr, newRoot)) throw new SceauError("proof.root_mismatch");
}

/** The root over these leaf hashes (RFC 9162 section 2.1.1): for a page that holds the whole of a small log. */
export async function rootOf(leaves: Bytes[]): Promise<Bytes> {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1 && leaves[0]) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(await rootOf(leaves.slice(0, split)), await rootOf(leaves.slice(split)));
}
