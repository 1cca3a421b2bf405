// An evidence file: a record, its inclusion proof and a signed checkpoint, checked against the log key that the page was given.
import { type Bytes, fromBase64url } from "./bytes";
import { SceauError } from "./errors";
import { Fields } from "./json";
import { leafHash, verifyInclusion } from "./merkle";
import { type Checkpoint, parseLogKey, verifyCheckpoint } from "./note";

export interface TraceRecord {
  readonly time: number; // unix milliseconds
  readonly actor: { readonly kind: string; readonly id: string };
  readonly asserted: string;
  readonly action: string;
  readonly outcome: string;
  readonly code: string;
  readonly subjects: readonly { readonly kind: string; readonly id: string }[];
  readonly organisation: string | null;
  readonly attested: {
    readonly kind: string;
    readonly id: string;
    readonly version: number;
    readonly hash: string;
    readonly previous: string | null;
  } | null;
  readonly detail: Readonly<Record<string, string>>;
}

/** A record that the log has committed to. */
export interface VerifiedRecord {
  readonly record: TraceRecord;
  readonly bytes: Bytes; // the exact leaf
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

export function parseRecord(bytes: Bytes): TraceRecord {
  const f = Fields.parse(bytes, "evidence-malformed");
  if (f.integer("v") !== 1) throw new SceauError("evidence-malformed", "record version");
  const actor = f.object("actor");
  const attested = f.objectOrNull("attested");
  return {
    time: f.integer("time"),
    actor: { kind: actor.text("kind"), id: actor.text("id") },
    asserted: f.text("asserted"),
    action: f.text("action"),
    outcome: f.text("outcome"),
    code: f.text("code"),
    subjects: f.objects("subjects").map((s) => ({ kind: s.text("kind"), id: s.text("id") })),
    organisation: f.textOrNull("organisation"),
    attested: attested && {
      kind: attested.text("kind"),
      id: attested.text("id"),
      version: attested.integer("version"),
      hash: attested.hash("hash"),
      previous: attested.textOrNull("previous"),
    },
    detail: f.has("detail")
      ? Object.fromEntries(f.object("detail").entries().map(([name, value]) => [name, String(value)]))
      : {},
  };
}

/** `logKey` is the key that the reader trusts; what the file says about its own key is only compared with it. */
export async function verifyEvidence(file: unknown, logKey: string): Promise<VerifiedRecord> {
  const f = typeof file === "string" ? Fields.parse(file, "evidence-malformed") : Fields.of(file, "evidence-malformed");
  if (f.integer("v") !== 1 || f.text("format") !== "sceau-evidence") throw new SceauError("evidence-malformed", "format");
  if (f.text("log_key") !== logKey) throw new SceauError("evidence-wrong-log", "log key");
  const checkpoint = await verifyCheckpoint(f.text("checkpoint"), await parseLogKey(logKey));
  const bytes = fromBase64url(f.text("record"));
  const index = f.integer("index");
  await verifyInclusion(await leafHash(bytes), index, checkpoint.size, f.hashes("proof"), checkpoint.root);
  return { record: parseRecord(bytes), bytes, index, checkpoint };
}
