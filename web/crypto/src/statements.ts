// Recipient keys are the organisation's word: a statement signed by its root, and logged. Both are checked before anything is sealed.
import { type Bytes, hex, sha256 } from "./bytes";
import { SceauError } from "./errors";
import { verifyEvidence, type VerifiedRecord } from "./evidence";
import { Fields } from "./json";
import { fingerprint, unverifiedPayload, verifyJws } from "./jws";
import { keyIdHex, type RecipientKey } from "./recipients";

export type KeyUse = "encrypt" | "sign";
export type KeySuite = "HPKE-X-Wing" | "RSA-OAEP-256" | "Ed25519";

export interface KeyStatement {
  readonly organisation: string;
  readonly use: KeyUse;
  readonly suite: KeySuite;
  readonly keyId: string;
  readonly publicKey: Bytes;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly predecessor: string | null;
  readonly serial: number;
  readonly keyManager: string;
  readonly payload: Bytes; // the exact bytes that were signed
}

/** Signed by the root with this fingerprint, for this organisation, and true to its own key id. */
export async function verifyStatement(jws: string, organisation: string, rootFingerprint: string): Promise<KeyStatement> {
  const rootKey = Fields.parse(unverifiedPayload(jws), "statement_malformed").bytes("root_key");
  if ((await fingerprint(rootKey)) !== rootFingerprint) throw new SceauError("statement_wrong_root");
  const payload = await verifyJws(jws, "sceau-key-statement", rootKey);
  const statement = parse(payload);
  if (statement.organisation !== organisation) throw new SceauError("statement_wrong_organisation");
  if ((await expectedKeyId(statement)) !== statement.keyId) throw new SceauError("statement_wrong_key_id");
  return statement;
}

/** A key in force now, to seal for. `logKey` is the log's verifier key; the evidence shows that the log holds this statement on the
 * organisation's own word. The checks are those of crates/client/src/trust.rs. */
export async function verifyRecipient(
  offered: { statementJws: string; evidence: unknown; rootFingerprint: string },
  trusted: { organisation: string; logKey: string; now: number },
): Promise<{ statement: KeyStatement; recipient: RecipientKey; logged: VerifiedRecord }> {
  const statement = await verifyStatement(offered.statementJws, trusted.organisation, offered.rootFingerprint);
  const { suite, use, notBefore, notAfter } = statement;
  if (use !== "encrypt" || suite === "Ed25519") throw new SceauError("statement_malformed", "not an encryption key");
  if (trusted.now < notBefore || trusted.now >= notAfter) throw new SceauError("statement_not_current");
  const logged = await verifyEvidence(offered.evidence, trusted.logKey);
  const { asserted, attested, outcome } = logged.record;
  // The log appends such a record on the organisation's own word only once its root's signature was checked there too.
  const about =
    outcome === "granted" &&
    asserted === "organisation" &&
    attested?.kind === "key-statement" &&
    attested.id === `${statement.organisation}/${use}` &&
    attested.hash === hex(await sha256(statement.payload));
  if (!about) throw new SceauError("evidence.wrong_subject");
  return { statement, recipient: { suite, publicKey: statement.publicKey }, logged };
}

/** Statements of one use, oldest first: serials rise by one and each names the one before it. */
export function verifyChain(statements: readonly KeyStatement[]): void {
  statements.forEach((statement, i) => {
    const before = statements[i - 1];
    if (!before) return;
    const follows =
      statement.organisation === before.organisation &&
      statement.use === before.use &&
      statement.serial === before.serial + 1 &&
      statement.predecessor === before.keyId;
    if (!follows) throw new SceauError("statement_broken_chain", `serial ${statement.serial}`);
  });
}

function parse(payload: Bytes): KeyStatement {
  const f = Fields.parse(payload, "statement_malformed");
  if (f.integer("v") !== 1) throw new SceauError("statement_malformed", "version");
  return {
    organisation: f.text("organisation"),
    use: f.oneOf("use", ["encrypt", "sign"]),
    suite: f.oneOf("suite", ["HPKE-X-Wing", "RSA-OAEP-256", "Ed25519"]),
    keyId: f.hash("key_id"),
    publicKey: f.bytes("public_key"),
    notBefore: f.integer("not_before"),
    notAfter: f.integer("not_after"),
    predecessor: f.textOrNull("predecessor"),
    serial: f.integer("serial"),
    keyManager: f.text("key_manager"),
    payload,
  };
}

function expectedKeyId({ suite, publicKey }: KeyStatement): Promise<string> {
  return suite === "Ed25519" ? fingerprint(publicKey) : keyIdHex({ suite, publicKey });
}
