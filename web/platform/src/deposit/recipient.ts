/** Who will be able to read: nothing is sealed before this has succeeded. */
import { type KeyStatement, type RecipientKey, SceauError, verifyRecipient } from "@sceau/crypto";
import type { Recipient } from "../api/types";
import { logKey } from "../trust";
import type { VerifiedOrganisation } from "./organisation";

/** A key that this browser has verified itself, and what to show of it. */
export interface VerifiedRecipient {
  readonly key: RecipientKey;
  readonly statement: KeyStatement;
  readonly fingerprint: string;
  /** Where the statement stands in the trace. */
  readonly index: number;
}

/** The root is the one in the organisation's attested row; the platform's word for it must be the same. */
export async function verified(offered: Recipient, organisation: VerifiedOrganisation, now: number): Promise<VerifiedRecipient> {
  if (offered.root_fingerprint !== organisation.rootFingerprint) throw new SceauError("statement_wrong_root");
  const { statement, recipient, logged } = await verifyRecipient(
    { statementJws: offered.statement_jws, evidence: offered.evidence, rootFingerprint: organisation.rootFingerprint },
    { organisation: organisation.id, logKey: await logKey(), now },
  );
  return { key: recipient, statement, fingerprint: organisation.rootFingerprint, index: logged.index };
}
