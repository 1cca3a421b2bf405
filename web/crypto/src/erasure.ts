// A certificate of erasure: what the log has of it, each thing with its evidence. The rules are those of crates/element-api/src/protect/erasure.rs.
import { SceauError } from "./errors";
import { type VerifiedRecord, verifyEvidence } from "./evidence";
import { Fields } from "./json";

const NOT_COVERED = ["keys_handed_out", "keystore_copies", "token_backups"] as const;
export type NotCovered = (typeof NOT_COVERED)[number];

/** A record of the log. */
export interface Happened {
  readonly time: number; // unix milliseconds
  readonly index: number;
}

/** A certificate whose evidence holds, under the reader's log key. */
export interface VerifiedErasure {
  readonly datum: string;
  readonly organisation: string;
  readonly application: string;
  readonly epoch: number;
  readonly erased: Happened;
  /** The act of two people, administrators or data officers, that erased it; null where its owner did. */
  readonly act: string | null;
  /** When the key was destroyed that opened copies of what was erased; null while it is there. */
  readonly destroyed: Happened | null;
  /** By when it is to be, as the record of the erasure states it; null where it states no day. */
  readonly due: number | null;
  readonly notCovered: readonly NotCovered[];
}

/** `file` is the certificate's text, or its JSON; `logKey` the verifier key that the reader trusts. */
export async function verifyErasure(file: unknown, logKey: string): Promise<VerifiedErasure> {
  const f = typeof file === "string" ? Fields.parse(file, "erasure_malformed") : Fields.of(file, "erasure_malformed");
  if (f.text("format") !== "sceau-erasure" || f.whole("v") !== 1) throw new SceauError("erasure_malformed", "format");
  f.only("v", "format", "datum", "organisation", "application", "epoch", "erased", "act", "destroyed", "due", "not_covered", "evidence");
  const destroyed = f.objectOrNull("destroyed");
  const said: VerifiedErasure = {
    datum: f.text("datum"), organisation: f.text("organisation"), application: f.text("application"), epoch: f.integer("epoch"),
    erased: happened(f.object("erased")),
    destroyed: destroyed && happened(destroyed),
    act: f.has("act") ? f.text("act") : null,
    due: f.has("due") ? f.integer("due") : null,
    notCovered: f.list("not_covered").map((one) => {
      const known = NOT_COVERED.find((name) => name === one);
      if (known === undefined) throw new SceauError("erasure_malformed", "not_covered");
      return known;
    }),
  };
  const [first, second, ...more] = f.list("evidence");
  const counted = first !== undefined && more.length === 0 && (second === undefined) === (said.destroyed === null);
  if (!counted) throw new SceauError("erasure_malformed", "evidence");
  wasErased(said, await verifyEvidence(first, logKey));
  // One log: its order is what says that the key went after the datum.
  if (said.destroyed !== null) wasDestroyed(said, said.destroyed, await verifyEvidence(second, logKey));
  return said;
}

/** Who act on data of their organisation. */
const ACT_ON_DATA: readonly string[] = ["organisation_admin", "data_officer"];

const happened = (f: Fields): Happened => ({ time: f.only("time", "index").integer("time"), index: f.integer("index") });

function wasErased(said: VerifiedErasure, proven: VerifiedRecord): void {
  const { action, actor, asserted, attested, detail, subjects } = proven.record;
  // Another call may ask for the same again: the one that counts attests the row.
  const byApplication = actor.kind === "application" && actor.id === said.application && asserted === "application";
  const ofApplication = subjects.some(({ kind, id }) => kind === "application" && id === said.application);
  const byTwo = ACT_ON_DATA.includes(actor.kind) && asserted === "passkey" && ofApplication;
  demand(action === "datum.erase" && (said.act === null ? byApplication : byTwo) && detail["act"] === (said.act ?? undefined));
  demand(attested?.kind === "datum" && subjects.some(({ kind, id }) => kind === "datum" && id === said.datum));
  demand(detail["due"] === (said.due === null ? undefined : String(said.due)));
  demand(JSON.stringify(said.notCovered) === JSON.stringify(notCoveredBy(detail["kept"])));
  agrees(said, said.erased, proven);
}

function wasDestroyed(said: VerifiedErasure, destroyed: Happened, proven: VerifiedRecord): void {
  const { action, actor, asserted } = proven.record;
  demand(action === "epoch.end" && actor.kind === "element" && asserted === "element" && said.erased.index < destroyed.index);
  agrees(said, destroyed, proven);
}

function agrees(said: VerifiedErasure, when: Happened, { record, index }: VerifiedRecord): void {
  demand(record.outcome === "granted" && record.time === when.time && index === when.index);
  demand(record.organisation === said.organisation && record.detail["epoch"] === String(said.epoch));
}

/** What the end of keys does not reach that were kept so; of what the log does not say, the most. */
function notCoveredBy(kept: string | undefined): NotCovered[] {
  const all: NotCovered[] = ["keys_handed_out"];
  if (kept !== "token") all.push("keystore_copies");
  if (kept !== "files") all.push("token_backups");
  return all;
}

function demand(holds: boolean): void {
  if (!holds) throw new SceauError("evidence.wrong_subject");
}
