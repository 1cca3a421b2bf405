/** A receipt says what the log holds of this very manifest, under the log key that this browser keeps: never what the platform says of it. */
import { SceauError, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { Evidence } from "../api/types";
import { logKey } from "../trust";

/** What the platform answered, and what this browser made of it. */
export interface Receipt {
  readonly evidence: Evidence;
  readonly proof: ReceiptProof;
}

/** `signed`: on the depositor's passkey; else on the platform's word alone. `depositor`: an account id. `time`: the log's, in unix milliseconds. */
export type ReceiptProof = { readonly state: "valid"; readonly signed: boolean; readonly depositor: string; readonly time: number } | { readonly state: "invalid"; readonly cause: unknown };

/** `manifestHash`: SHA-256 of the manifest that this browser made, in hexadecimal. A false receipt is an answer too, to show and to keep. */
export async function judge(evidence: Evidence, dossier: string, manifestHash: string): Promise<Receipt> {
  try {
    const { record } = await verifyEvidence(evidence, await logKey());
    const { actor, asserted, attested, outcome, time } = record;
    const ours = outcome === "granted" && attested?.kind === "manifest" && attested.id === dossier && attested.hash === manifestHash;
    if (!ours) throw new SceauError("evidence.wrong_subject");
    return { evidence, proof: { state: "valid", signed: asserted === "passkey", depositor: actor.id, time } };
  } catch (cause) {
    return { evidence, proof: { state: "invalid", cause } };
  }
}

/** The receipt of a manifest whose answer never came: found in the dossier's own timeline, if the log holds this manifest. */
export async function receiptOf(dossier: string, manifestHash: string): Promise<Receipt | undefined> {
  const { timeline } = await api.dossier(dossier);
  const sent = timeline.filter(({ action, outcome }) => action === "deposit.complete" && outcome === "granted");
  for (const { index } of sent.toReversed()) {
    const receipt = await judge(await api.dossierEvidence(dossier, index), dossier, manifestHash);
    if (receipt.proof.state === "valid") return receipt;
  }
  return undefined;
}
