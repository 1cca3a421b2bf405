/** Whether the log holds a datum's version as it is shown. */
import { fromBase64url, fromUtf8, hex, SceauError, sha256, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { DatumListed } from "../api/types";
import { logKey } from "../trust";
import type { DatumDocument } from "./datum";

export const documentOf = (listed: DatumListed): DatumDocument => JSON.parse(fromUtf8(fromBase64url(listed.payload))) as DatumDocument;

/** Throws unless the entry that the platform names attests these bytes, of a datum. The log has a commitment in the place of its id; the hash is in the open. */
export async function checkDatum(listed: DatumListed, organisation: string): Promise<void> {
  const { record, index } = await verifyEvidence(await api.traceEvidence(listed.index), await logKey());
  const { attested, outcome } = record;
  const logged =
    index === listed.index && outcome === "granted" && record.organisation === organisation &&
    attested?.kind === "datum" && attested.version === listed.version && attested.hash === hex(await sha256(fromBase64url(listed.payload)));
  if (!logged) throw new SceauError("evidence.wrong_subject");
}
