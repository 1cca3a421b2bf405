// Each vector file of crates/*/vectors, as named cases that throw when they fail. Runs in Node and in a browser.
import { codeOf, verifyEvidence } from "../src";

export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

export function cases(file: string, vectors: unknown): Case[] {
  switch (file) {
    case "evidence.json":
      return evidence(vectors as EvidenceVectors);
    default:
      throw new Error(`no runner for ${file}`);
  }
}

interface EvidenceVectors {
  cases: { name: string; file: string; log_key: string | null; expected: string; index?: number; size?: number; key_pinned?: boolean }[];
}

function evidence({ cases }: EvidenceVectors): Case[] {
  return cases.map(({ name, file, log_key, expected, index, size, key_pinned }) => ({
    name,
    run: async () => {
      const verdict = await verifyEvidence(file, log_key).then(
        (v) => ({ code: "ok", index: v.index, size: v.checkpoint.size, key_pinned: v.keyPinned }),
        (error: unknown) => ({ code: codeOf(error) }),
      );
      same(verdict, expected === "ok" ? { code: "ok", index, size, key_pinned } : { code: expected });
    },
  }));
}

export function same(actual: unknown, expected: unknown): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`expected ${e}, got ${a}`);
}
