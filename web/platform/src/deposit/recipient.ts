/** Who will be able to read: nothing is sealed before this has succeeded. */
import { type KeyStatement, type RecipientKey, verifyRecipient } from "@sceau/crypto";
import type { Recipient } from "../api/types";
import { logKey } from "../trust";

/** A key that this browser has verified itself, and what to show of it. */
export interface VerifiedRecipient {
  readonly key: RecipientKey;
  readonly statement: KeyStatement;
  readonly fingerprint: string;
  /** Where the statement stands in the trace. */
  readonly index: number;
}

export async function verified(offered: Recipient, organisation: string, now: number): Promise<VerifiedRecipient> {
  const { statement, recipient, logged } = await verifyRecipient(
    { statementJws: offered.statement_jws, evidence: offered.evidence, rootFingerprint: offered.root_fingerprint },
    { organisation, logKey: await logKey(), now },
  );
  return { key: recipient, statement, fingerprint: offered.root_fingerprint, index: logged.index };
}
