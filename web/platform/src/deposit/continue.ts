/** Going on with a dossier about which the organisation asked for more: what was sent, as the log holds it, and the key that it was sealed to. */
import { fromBase64url, type Manifest, manifestHash, parseManifest, SceauError } from "@sceau/crypto";
import { ownAccount } from "../account";
import { api } from "../api";
import { Problem } from "../api/http";
import { receiptOf } from "./receipt";
import { verified, type VerifiedRecipient } from "./recipient";
import { loadScheme, type PublishedScheme } from "./scheme";

export interface Sent { readonly manifest: Manifest; readonly scheme: PublishedScheme; readonly recipient: VerifiedRecipient }

/** The manifest is believed once the log shows it; a dossier keeps the recipient key that it was begun with. */
export async function sentBefore(dossier: string, now: number): Promise<Sent> {
  const { manifest: offered, state } = await api.dossier(dossier);
  if (state !== "more_information" || offered === null) throw new Problem(409, "already_sent");
  const bytes = fromBase64url(offered);
  const manifest = parseManifest(bytes);
  const logged = await receiptOf(dossier, await manifestHash(bytes));
  if (logged?.proof.state !== "valid" || manifest.dossier !== dossier) throw new SceauError("evidence.wrong_subject");
  if (logged.proof.depositor !== (await ownAccount())) throw new SceauError("dossier_of_another");
  const scheme = await loadScheme(manifest.scheme);
  if (scheme.organisation !== manifest.organisation) throw new SceauError("evidence.wrong_subject");
  // The answers that were given are to another form: it has to be filled in anew.
  if (scheme.formHash !== manifest.formHash) throw new Problem(422, "form_changed");
  const key = (await api.keyStatements(manifest.organisation)).find((one) => one.key_id === manifest.keyId);
  if (!key) throw new Problem(409, "no_recipient_key");
  const evidence = key.evidence ?? (await api.traceEvidence(key.index));
  const recipient = await verified({ ...key, evidence }, scheme.recipient, now);
  if (recipient.statement.keyId !== manifest.keyId) throw new SceauError("statement_wrong_key_id");
  return { manifest, scheme, recipient };
}
