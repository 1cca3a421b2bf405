// Answers that the log proves: its record of a call has the hash of what the element answered (docs/protect-a-field.md, *Answers that are proven*).
import { type Bytes, concat, fromBase64url, hex, sha256, u32, utf8 } from "@sceau/crypto/envelope";
import { verifyEvidence, type VerifiedRecord } from "@sceau/crypto/evidence";
import { unproven } from "./errors.js";

/** An answer, as it came and was parsed. */
export type Parts = Readonly<Record<string, unknown>>;

export interface Asking {
  /** The compact JWS that was sent. */
  readonly call: string;
  readonly application: string;
  /** The log's verifier key. */
  readonly logKey: string;
}

/** Refuses what the element did not answer to this very call. */
export async function verifyAnswer(parts: Parts, { call, application, logKey }: Asking): Promise<void> {
  let proof: VerifiedRecord;
  try {
    proof = await verifyEvidence(parts["proof"], logKey);
  } catch {
    throw unproven("no proof came along that holds under the log's key");
  }
  const { outcome, actor, asserted, detail } = proof.record;
  const byUs = asserted === "application" && actor.kind === "application" && actor.id === application;
  const ofThis = proof.index === parts["index"] && outcome === "granted" && byUs;
  if (!ofThis || detail["answer"] !== hex(await answerHash(parts, call))) throw unproven("the log has another answer to this call");
}

async function answerHash(parts: Parts, call: string): Promise<Bytes> {
  const text = (name: string): string | undefined => (typeof parts[name] === "string" ? parts[name] : undefined);
  const wrapped = text("wrapped_key");
  const document = written(parts["document"]);
  return sha256(
    utf8("sceau/protect-answer\0"),
    await sha256(utf8(call)),
    fromBase64url(text("datum") ?? ""),
    part(wrapped === undefined ? undefined : fromBase64url(wrapped)),
    part(optional(text("data_key"))),
    part(document && (await sha256(document))),
    part(written(parts["accesses"])),
    part(written(parts["erasure"])),
  );
}

const optional = (text: string | undefined): Bytes | undefined => (text === undefined ? undefined : utf8(text));

/** As the element writes JSON: no white space, members in the order in which they came. One who wrote it in another way is not believed. */
const written = (value: unknown): Bytes | undefined => (value === undefined ? undefined : utf8(JSON.stringify(value)));

const part = (bytes: Bytes | undefined): Bytes => (bytes ? concat(u32(bytes.length), bytes) : Uint8Array.of(255, 255, 255, 255));
