// A terminal is taken off its keyring, by its holder, on this terminal or another one; where the policy says so, once support agrees. Rules of
// crates/client/src/terminal/dissociate.rs.
import type { Carrier } from "./host";
import { ownAsked } from "./own";
import type { Storage } from "./storage";
import { type Approve, useFor } from "./use";

export interface Dissociated {
  /** Whether support has to agree before it is done. */
  readonly waits: boolean;
  /** Whether it was this one: it is forgotten. */
  readonly own: boolean;
  /** The element's word on it (JWS). */
  readonly proof: string;
}

/** Takes this terminal off the keyring. Null where the holder does not agree. */
export async function dissociate(storage: Storage, carrier: Carrier, terminal: string, approve: Approve): Promise<Dissociated | null> {
  const loaded = await storage.load();
  const waits = loaded.policy.dissociation === "holder_and_support";
  const asked = await ownAsked(loaded, { kind: "dissociate", words: `Take the terminal ${terminal} off this keyring.`, terminal });
  const used = await useFor(storage, carrier, asked, approve);
  if (used === null) return null;
  const own = terminal === loaded.kept.terminal && !waits;
  if (own) await storage.forget();
  return { waits, own, proof: used.proof };
}
