/** Policies of witnesses and evidence files that every verifier of the house reads (crates/trace/vectors/policy.json). */
import { readFileSync } from "node:fs";

interface Vector { name: string; policy: string; file: string }

const vectors = JSON.parse(readFileSync(new URL("../../../../crates/trace/vectors/policy.json", import.meta.url), "utf8")) as { log_key: string; cases: Vector[] };

/** The key of the log of all of them. */
export const LOG_KEY = vectors.log_key;

export function vector(name: string): Vector {
  const found = vectors.cases.find((one) => one.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
}
