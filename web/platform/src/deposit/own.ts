/** Whose dossier it is. The platform gives its id, and what is sealed for it opens for whoever that dossier is assigned to: a dossier that it
 * invented for an accomplice must get nothing. */
import { SceauError, verifyEvidence } from "@sceau/crypto";
import { ownAccount } from "../account";
import type { DossierBegun } from "../api/types";
import { logKey } from "../trust";
import type { PublishedScheme } from "./scheme";

/** The log holds how this dossier began: of this person, for this scheme and organisation. The checks are those of crates/client/src/trust.rs. */
export async function demandOwn({ id, evidence }: Omit<DossierBegun, "recipient">, scheme: PublishedScheme): Promise<void> {
  const { record } = await verifyEvidence(evidence, await logKey());
  const { actor, attested, organisation, outcome, subjects } = record;
  const begins =
    outcome === "granted" && attested?.kind === "dossier" && attested.id === id && attested.version === 1 &&
    organisation === scheme.organisation && subjects.some((subject) => subject.kind === "scheme" && subject.id === scheme.id);
  if (!begins) throw new SceauError("evidence.wrong_subject");
  if (actor.id !== (await ownAccount())) throw new SceauError("dossier_of_another");
}
