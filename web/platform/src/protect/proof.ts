/** Whether the log holds a version of a row as the platform shows it. */
import { type Asserted, fromBase64url, fromUtf8, hex, SceauError, sha256, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { DatumListed } from "../api/types";
import { logKey } from "../trust";
import type { DatumDocument } from "./datum";

/** What the platform says of a row: the exact bytes of its document, which version they are, and which entry of the log attests them. */
interface Listed {
  readonly payload: string;
  readonly version: number;
  readonly index: number;
}

/** In whose word the log holds these bytes, of which row, and their hash. */
interface Attested {
  readonly asserted: Asserted;
  readonly id: string;
  readonly hash: string;
}

/** Throws unless the entry that the platform names attests these bytes as this version of a row of the kind, the organisation's. */
export async function attestedAs(kind: "application" | "datum" | "protect-act", listed: Listed, organisation: string): Promise<Attested> {
  const { record, index } = await verifyEvidence(await api.traceEvidence(listed.index), await logKey());
  const { asserted, attested, outcome } = record;
  const hash = hex(await sha256(fromBase64url(listed.payload)));
  const logged =
    index === listed.index && outcome === "granted" && record.organisation === organisation &&
    attested?.kind === kind && attested.version === listed.version && attested.hash === hash;
  if (!logged) throw new SceauError("evidence.wrong_subject");
  return { asserted, id: attested.id, hash };
}

export const documentOf = (listed: DatumListed): DatumDocument => JSON.parse(fromUtf8(fromBase64url(listed.payload))) as DatumDocument;

/** Throws unless the log has a datum's version as it is listed. It has a commitment in the place of the datum's id; the hash is in the open. */
export async function checkDatum(listed: DatumListed, organisation: string): Promise<void> {
  await attestedAs("datum", listed, organisation);
}
