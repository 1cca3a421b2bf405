import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, it } from "vitest";
import { base64, base64url, hex, imprintOf, leafHash, parseLogKey, rootOf, stampsOf, utf8, verifyCheckpoint, verifyConsistency, verifyEvidence, verifyInclusion } from "../src";
import { type Bytes, concat, random, sha256 } from "../src/bytes";
import { codeOf } from "../src/errors";
import { nodeHash } from "../src/merkle";

const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "no error", codeOf);
const split = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));

// The recursive definitions of RFC 9162 sections 2.1.3.1 and 2.1.4.1, to judge the iterative ones by.
async function path(index: number, leaves: Bytes[]): Promise<Bytes[]> {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k ? [...(await path(index, left)), await rootOf(right)] : [...(await path(index - k, right)), await rootOf(left)];
}
async function subproof(m: number, leaves: Bytes[], whole: boolean): Promise<Bytes[]> {
  if (m === leaves.length) return whole ? [] : [await rootOf(leaves)];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...(await subproof(m, left, whole)), await rootOf(right)]
    : [...(await subproof(m - k, right, false)), await rootOf(left)];
}

const SIZE = 20;
let leaves: Bytes[];
beforeAll(async () => {
  leaves = await Promise.all(Array.from({ length: SIZE }, (_, i) => leafHash(Uint8Array.of(i))));
});

describe("proofs", () => {
  it("each entry of each size of log is included, and only there", async () => {
    for (let size = 1; size <= SIZE; size += 1) {
      const root = await rootOf(leaves.slice(0, size));
      for (let index = 0; index < size; index += 1) {
        const leaf = leaves[index] ?? random(32);
        const proof = await path(index, leaves.slice(0, size));
        await verifyInclusion(leaf, index, size, proof, root);
        expect(await code(verifyInclusion(random(32), index, size, proof, root))).toMatch(/^proof\./);
        expect(await code(verifyInclusion(leaf, index, size, [...proof, random(32)], root))).toMatch(/^proof\./);
        if (size > 1) {
          expect(await code(verifyInclusion(leaf, (index + 1) % size, size, proof, root))).toMatch(/^proof\./);
          expect(await code(verifyInclusion(leaf, index, size, proof.slice(1), root))).toMatch(/^proof\./);
        }
      }
    }
  });

  it("each log begins with each of its pasts, and with no other", async () => {
    for (let size = 1; size <= SIZE; size += 1) {
      const root = await rootOf(leaves.slice(0, size));
      for (let old = 1; old <= size; old += 1) {
        const oldRoot = await rootOf(leaves.slice(0, old));
        const proof = old === size ? [] : await subproof(old, leaves.slice(0, size), true);
        await verifyConsistency(old, size, proof, oldRoot, root);
        expect(await code(verifyConsistency(old, size, proof, random(32), root))).toMatch(/^proof\./);
        expect(await code(verifyConsistency(old, size, proof, oldRoot, random(32)))).toMatch(/^proof\./);
        expect(await code(verifyConsistency(old, size, [...proof, random(32)], oldRoot, root))).toMatch(/^proof\./);
      }
    }
  });

  it("an index beyond 32 bits is no other index", async () => {
    const leaf = random(32);
    const other = random(32);
    const root = await nodeHash(leaf, other);
    await verifyInclusion(leaf, 0, 2, [other], root);
    expect(await code(verifyInclusion(leaf, 2 ** 32, 2 ** 32 + 2, [other], root))).toMatch(/^proof\./);
  });
});

async function log(name: string): Promise<{ vkey: string; note: (text: string) => string }> {
  const secret = random(32);
  const key = concat(Uint8Array.of(1), ed25519.getPublicKey(secret));
  const id = (await sha256(concat(utf8(`${name}\n`), key))).slice(0, 4);
  return {
    vkey: `${name}+${hex(id)}+${base64(key)}`,
    note: (text) => `${text}\n— ${name} ${base64(concat(id, ed25519.sign(utf8(text), secret)))}\n`,
  };
}

describe("a checkpoint", () => {
  it("is its log's, and keeps its extension lines", async () => {
    const { vkey, note } = await log("sceau.localhost/trace");
    const text = `sceau.localhost/trace\n3\n${base64(random(32))}\nmap-root ${base64(random(32))}\n`;
    const signed = note(text);
    const witnessed = `${signed}— witness.example ${base64(random(76))}\n`;
    for (const each of [signed, witnessed]) {
      const checkpoint = await verifyCheckpoint(each, await parseLogKey(vkey));
      expect(checkpoint.size).toBe(3);
      expect(checkpoint.extensions.length).toBe(1);
    }
    expect(await code(verifyCheckpoint(signed.replace("\n3\n", "\n4\n"), await parseLogKey(vkey)))).toBe("note.bad_signature");
    expect(await code(verifyCheckpoint(signed, await parseLogKey((await log("sceau.localhost/trace")).vkey)))).toBe("note.not_signed");
    for (const bad of [text, "", "\n\n", signed.slice(0, -1)]) {
      expect(await code(verifyCheckpoint(bad, await parseLogKey(vkey)))).toBe("note.malformed");
    }
    const elsewhere = note(text.replace("sceau.localhost/trace\n", "other\n"));
    expect(await code(verifyCheckpoint(elsewhere, await parseLogKey(vkey)))).toBe("checkpoint.wrong_origin");
  });

  it("is not read under a key whose id is not its own", async () => {
    const { vkey } = await log("a");
    expect(await code(parseLogKey(vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+")))).toBe("note.bad_key");
  });
});

describe("an evidence file", () => {
  const record = {
    action: "key.publish", actor: { id: "e", kind: "element" }, asserted: "element", attested: null, code: "", detail: {},
    organisation: null, outcome: "granted", subjects: [], time: 1, v: 1,
  };

  it("proves its record under the reader's log key, and nothing else", async () => {
    const { vkey, note } = await log("t");
    const bytes = utf8(JSON.stringify(record));
    const sibling = random(32);
    const root = await nodeHash(await leafHash(bytes), sibling);
    const file = {
      v: 1, format: "sceau-evidence", record: base64url(bytes), index: 0, proof: [hex(sibling)],
      checkpoint: note(`t\n2\n${base64(root)}\n`), log_key: vkey, attachments: {},
    };
    expect((await verifyEvidence(file, vkey)).record.action).toBe("key.publish");
    expect((await verifyEvidence(JSON.stringify(file), vkey)).index).toBe(0);
    const alone = await verifyEvidence(file, vkey);
    expect([alone.checkpoint.others, stampsOf(alone)]).toEqual([[], []]);
    const cosigned = `${file.checkpoint}\u2014 witness.example ${"A".repeat(96)}\n`;
    const brought = await verifyEvidence({ ...file, checkpoint: cosigned, attachments: { "time-stamps": ["AA==", "AA=="] } }, vkey);
    expect([brought.checkpoint.others.map(({ name }) => name), stampsOf(brought).length]).toEqual([["witness.example"], 2]);
    expect(hex(await imprintOf(brought.checkpoint))).toBe(hex(await imprintOf(alone.checkpoint)));
    for (const none of ["AA==", { 0: "AA==" }, ["!"], [7], Array(17).fill("AA==")]) {
      const said = await verifyEvidence({ ...file, attachments: { "time-stamps": none } }, vkey);
      expect(() => stampsOf(said)).toThrow("stamp.malformed");
    }
    expect(await code(verifyEvidence(file, (await log("t")).vkey))).toBe("evidence.other_log");
    const forged = base64url(utf8(JSON.stringify({ ...record, time: 2 })));
    expect(await code(verifyEvidence({ ...file, record: forged }, vkey))).toMatch(/^proof\./);
    expect(await code(verifyEvidence({ ...file, index: 1 }, vkey))).toMatch(/^proof\./);
    expect(await code(verifyEvidence({ ...file, proof: [hex(random(32))] }, vkey))).toMatch(/^proof\./);
    expect(await code(verifyEvidence({ ...file, format: "other" }, vkey))).toBe("evidence.malformed");
    expect(await code(verifyEvidence("{", vkey))).toBe("evidence.malformed");
  });
});
