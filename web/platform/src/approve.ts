/** Writes that need the person's passkey: the platform prepares the exact bytes, the person's device signs them, the platform files both. */
import { fromBase64url, fromUtf8, type ProofKind, provePasskey } from "@sceau/crypto";
import type { Prepared, Proof } from "./api/types";

/** `holds` are texts that the prepared bytes must contain as JSON strings: what was typed is what gets signed. */
export async function approve(kind: ProofKind, prepared: Prepared, holds: readonly string[]): Promise<Proof> {
  const payload = fromBase64url(prepared.payload);
  const strings = stringsOf(JSON.parse(fromUtf8(payload)));
  for (const wanted of holds) if (!strings.has(wanted)) throw new Altered(wanted);
  return provePasskey({ kind, payload, nonce: prepared.nonce });
}

/** The platform prepared something else than what was typed. Nothing was signed. */
export class Altered extends Error {
  constructor(readonly missing: string) {
    super("the prepared document is not what was typed");
  }
}

function stringsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === "string") found.add(value);
  else if (Array.isArray(value)) for (const one of value) stringsOf(one, found);
  else if (value !== null && typeof value === "object") for (const one of Object.values(value)) stringsOf(one, found);
  return found;
}
