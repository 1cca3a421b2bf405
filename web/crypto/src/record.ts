// A record of the trace: read strictly, in its one canonical spelling, so that what is shown is what was logged. The rules are those
// of crates/trace/src/record.
import { type Bytes, equal, fromBase64url, utf8 } from "./bytes";
import { SceauError } from "./errors";
import { Fields } from "./json";

export type ActorKind =
  | "citizen"
  | "case_officer"
  | "supervisor"
  | "organisation_admin"
  | "data_officer"
  | "platform_admin"
  | "client"
  | "key_manager"
  | "application"
  | "officer"
  | "registration_authority"
  | "support"
  | "holder"
  | "platform"
  | "element";
export type Asserted = "platform" | "passkey" | "organisation" | "application" | "actor" | "terminal" | "element";
export type Outcome = "intent" | "granted" | "refused";

export interface TraceRecord {
  readonly time: number; // unix milliseconds
  readonly actor: { readonly id: string; readonly kind: ActorKind };
  readonly asserted: Asserted;
  readonly action: string;
  readonly outcome: Outcome;
  readonly code: string; // empty unless refused
  readonly subjects: readonly { readonly id: string; readonly kind: string }[];
  readonly organisation: string | null;
  readonly attested: {
    readonly hash: string;
    readonly id: string;
    readonly kind: string;
    readonly previous: string | null;
    readonly version: number;
  } | null;
  readonly detail: Readonly<Record<string, string>>;
}

const MAX_LENGTH = 65_535;
const ACTORS = ["citizen", "case_officer", "supervisor", "organisation_admin", "data_officer", "platform_admin", "client", "key_manager", "application", "officer", "registration_authority", "support", "holder", "platform", "element"] as const;
const ASSERTED = ["platform", "passkey", "organisation", "application", "actor", "terminal", "element"] as const;
const OUTCOMES = ["intent", "granted", "refused"] as const;

export function parseRecord(bytes: Bytes): TraceRecord {
  if (bytes.length > MAX_LENGTH) throw new SceauError("record.too_long");
  const f = Fields.parse(bytes, "record.malformed");
  if (f.whole("v") !== 1) throw new SceauError("record.unknown_version");
  const record = read(f);
  check(record);
  if (!equal(utf8(JSON.stringify({ ...record, v: 1 })), bytes)) throw new SceauError("record.not_canonical");
  return record;
}

/** The keys come out in the order in which they are logged. */
function read(f: Fields): TraceRecord {
  f.only("action", "actor", "asserted", "attested", "code", "detail", "organisation", "outcome", "subjects", "time", "v");
  const action = f.text("action");
  if (action.length > 64 || !action.split(".").every(isKind)) throw new SceauError("record.malformed", "action");
  const actor = f.object("actor").only("id", "kind");
  const attested = f.objectOrNull("attested")?.only("hash", "id", "kind", "previous", "version");
  const detail = f.object("detail").texts();
  return {
    action,
    actor: { id: actor.text("id"), kind: actor.oneOf("kind", ACTORS) },
    asserted: f.oneOf("asserted", ASSERTED),
    attested: attested
      ? {
          hash: attested.hash("hash"),
          id: attested.text("id"),
          kind: attested.text("kind"),
          previous: attested.has("previous") ? attested.hash("previous") : null,
          version: attested.whole("version"),
        }
      : null,
    code: f.text("code"),
    detail: Object.fromEntries(Object.entries(detail).sort(([a], [b]) => (a < b ? -1 : 1))),
    organisation: f.textOrNull("organisation"),
    outcome: f.oneOf("outcome", OUTCOMES),
    subjects: f.objects("subjects").map((s) => s.only("id", "kind")).map((s) => ({ id: s.text("id"), kind: s.text("kind") })),
    time: f.whole("time"),
  };
}

function check(r: TraceRecord): void {
  demand(Number.isSafeInteger(r.time), "time");
  demand(isId(r.actor.id), "actor.id");
  demand(r.outcome === "refused" ? isKind(r.code) : r.code === "", "code");
  demand(r.subjects.length <= 64 && r.subjects.every((s) => isKind(s.kind) && isId(s.id)), "subjects");
  demand(r.organisation === null || /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(r.organisation), "organisation");
  if (r.attested) {
    const { kind, id, version, previous } = r.attested;
    demand(isKind(kind) && isId(id), "attested");
    demand(Number.isSafeInteger(version) && version >= 1 && (previous === null) === (version === 1), "attested.version");
  }
  const detail = Object.entries(r.detail);
  demand(detail.length <= 32 && detail.every(([name, value]) => isKind(name) && isToken(value, 256)), "detail");
}

function demand(holds: boolean, field: string): void {
  if (!holds) throw new SceauError("record.field", field);
}

const isKind = (text: string): boolean => /^[a-z][a-z0-9._-]{0,63}$/.test(text);
/** A token, or a whole commitment: nothing else may look like one. */
export const isId = (text: string): boolean => text.length > 0 && isToken(text, 128) && (!text.startsWith("hmac:") || isCommitment(text));
const isToken = (text: string, longest: number): boolean =>
  text.length <= longest && /^[A-Za-z0-9._:/=+-]*$/.test(text) && !isAddress(text);

/** `hmac:` and the one spelling of 32 bytes. */
function isCommitment(text: string): boolean {
  try {
    return fromBase64url(text.slice("hmac:".length)).length === 32;
  } catch {
    return false;
  }
}

/** Network addresses are personal data. */
function isAddress(text: string): boolean {
  const part = "(?:0|[1-9][0-9]{0,2})";
  if (new RegExp(`^${part}(?:\\.${part}){3}$`).test(text)) return text.split(".").every((octet) => Number(octet) <= 255);
  return text.includes("::") || text.split(":").length === 8 ? URL.canParse(`http://[${text}]/`) : false;
}
