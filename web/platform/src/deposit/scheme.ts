/** A scheme as it was published: its bytes are hashed as they came, and read once. */
import { fromBase64url, fromUtf8, hex, type IntakeHost, intakeHostOf, SceauError, sha256, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { SchemeDraft } from "../api/types";
import { logKey } from "../trust";
import { type VerifiedOrganisation, verifiedOrganisation } from "./organisation";

export interface PublishedScheme extends SchemeDraft {
  readonly id: string;
  readonly organisation: string;
  /** Read from its own attested row. */
  readonly recipient: VerifiedOrganisation;
  /** SHA-256 of the exact bytes, in hexadecimal: what the manifest says was answered. */
  readonly formHash: string;
  /** The intake that the organisation trusts with these documents; none where this browser seals. The platform's word is not asked. */
  readonly trusted: IntakeHost | null;
}

/** Read only once the log shows that an administrator of the organisation published these bytes: a platform that altered the form could
 * have a sensitive answer sent in clear, or the deposit sealed for somebody else. */
export async function loadScheme(id: string): Promise<PublishedScheme> {
  const served = await api.scheme(id);
  const payload = fromBase64url(served.payload);
  const formHash = hex(await sha256(payload));
  const { record } = await verifyEvidence(await api.traceEvidence(served.index), await logKey());
  const { attested } = record;
  const published =
    record.outcome === "granted" && record.asserted === "passkey" &&
    attested?.kind === "scheme" && attested.id === id && attested.hash === formHash;
  if (!published) throw new SceauError("evidence.wrong_subject");
  const document = JSON.parse(fromUtf8(payload)) as SchemeDraft & { organisation: string };
  const recipient = await verifiedOrganisation(served.organisation_row, document.organisation);
  // The person chose by the name that the platform gave: it must be the organisation's.
  if (recipient.name !== served.organisation_name) throw new SceauError("evidence.wrong_subject");
  return { ...document, id, recipient, formHash, trusted: intakeHostOf(payload) };
}
