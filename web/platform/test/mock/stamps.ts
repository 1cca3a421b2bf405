/** Time stamps, and authorities of them, that every verifier of the house reads (crates/pki/vectors/time-stamps.json). */
import { readFileSync } from "node:fs";
import { vector } from "./policies";

const vectors = JSON.parse(readFileSync(new URL("../../../../crates/pki/vectors/time-stamps.json", import.meta.url), "utf8")) as {
  evidence: string;
  anchors: Record<string, string>;
  no_anchors: { name: string; pem: string }[];
  cases: { name: string; token: string }[];
};

/** The evidence file whose checkpoint they are of, with those of these names. */
export function stamped(...names: string[]): string {
  const tokens = names.map((name) => named(vectors.cases, name).token);
  return JSON.stringify({ ...(JSON.parse(vector(vectors.evidence).file) as object), attachments: { "time-stamps": tokens } });
}

export const anchors = (name: string): string => vectors.anchors[name] ?? "";
export const noAnchors = (name: string): string => named(vectors.no_anchors, name).pem;

function named<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
}
