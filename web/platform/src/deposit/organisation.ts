/** Who the organisation is: its name and the fingerprint of its root, as an administrator of the platform signed them and the log holds them.
 * What the platform says beside that is compared, never believed. */
import { fromBase64url, fromUtf8, hex, SceauError, sha256, verifyEvidence } from "@sceau/crypto";
import type { OrganisationRow } from "../api/types";
import { logKey } from "../trust";

export interface VerifiedOrganisation { readonly id: string; readonly name: string; readonly rootFingerprint: string }

export async function verifiedOrganisation(row: OrganisationRow, id: string): Promise<VerifiedOrganisation> {
  const payload = fromBase64url(row.payload);
  const { record } = await verifyEvidence(row.evidence, await logKey());
  const { asserted, attested, outcome } = record;
  const logged =
    outcome === "granted" && asserted === "passkey" &&
    attested?.kind === "organisation" && attested.id === id && attested.hash === hex(await sha256(payload));
  const document = JSON.parse(fromUtf8(payload)) as { organisation: string; name: string; root_fingerprint: string };
  if (!logged || document.organisation !== id) throw new SceauError("evidence.wrong_subject");
  return { id, name: document.name, rootFingerprint: document.root_fingerprint };
}
