// A decision that was taken before, as the log proves it: these bytes were attested on the organisation's own word, which the element
// gives only once its signing key's signature was checked there. The platform's summary of it is never shown.
import { fromBase64url, fromUtf8, hex, sha256, verifyEvidence } from "@sceau/crypto";
import { type Bundle, type Config, Problem, type Verdict } from "../api";

export interface ProvenDecision {
  readonly decision: Verdict;
  readonly reason: string;
  readonly time: number;
  /** Whether it is about what is shown here; else the depositor has added to it since. */
  readonly aboutThis: boolean;
}

/** Null where the platform says that there is none. `manifestHash`: of the manifest that is shown. */
export async function verifyDecision(dossier: string, bundle: Bundle, config: Config, manifestHash: string): Promise<ProvenDecision | null> {
  if (!bundle.decision && !bundle.decision_proof) return null;
  if (!bundle.decision_proof) throw new Problem("decision_not_logged");
  const payload = fromBase64url(bundle.decision_proof.payload);
  const { record } = await verifyEvidence(bundle.decision_proof.evidence, config.log_key);
  const { asserted, attested, organisation, outcome } = record;
  const logged =
    outcome === "granted" &&
    asserted === "organisation" &&
    organisation === config.organisation.id &&
    attested?.kind === "decision" &&
    attested.id === dossier &&
    attested.hash === hex(await sha256(payload));
  type Signed = Omit<ProvenDecision, "aboutThis"> & { dossier: string; organisation: string; manifest_hash: string };
  const said = JSON.parse(fromUtf8(payload)) as Signed;
  if (!logged || said.dossier !== dossier || said.organisation !== config.organisation.id) throw new Problem("decision_not_logged");
  const aboutThis = said.manifest_hash === manifestHash;
  // Only a request for more lets a depositor send another list; what was decided for good stays about what it was decided on.
  if (!aboutThis && said.decision !== "more_information") throw new Problem("decision_of_another_manifest");
  return { decision: said.decision, reason: said.reason, time: said.time, aboutThis };
}
