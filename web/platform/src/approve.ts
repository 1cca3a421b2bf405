/** Writes that need the person's passkey: the platform prepares the exact bytes, the person's device signs them, the platform files both. */
import { type Bytes, fromBase64url, fromUtf8, type ProofKind, provePasskey } from "@sceau/crypto";
import type { Prepared, Proof } from "./api/types";

/** `meant`: members that the prepared document must have, value for value. What was typed is what gets signed, a tick as much as a text. */
export async function approve(kind: ProofKind, prepared: Prepared, meant: Readonly<Record<string, unknown>>): Promise<Proof> {
  const payload = fromBase64url(prepared.payload);
  checkMeant(payload, meant);
  return provePasskey({ kind, payload, nonce: prepared.nonce });
}

/** Throws `Altered` unless the document says what was meant. */
export function checkMeant(payload: Bytes, meant: Readonly<Record<string, unknown>>): void {
  const document = JSON.parse(fromUtf8(payload)) as Record<string, unknown>;
  for (const [member, value] of Object.entries(meant)) if (!same(document[member], value)) throw new Altered(member);
}

/** The platform prepared something else than what was typed. Nothing was signed. */
export class Altered extends Error {
  constructor(readonly member: string) {
    super("the prepared document is not what was typed");
  }
}

/** Equal as JSON: the order of members says nothing. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [a, b] = [Object.entries(one), other as Record<string, unknown>];
  return a.length === Object.keys(b).length && a.every(([name, value]) => Object.hasOwn(b, name) && same(value, b[name]));
}
