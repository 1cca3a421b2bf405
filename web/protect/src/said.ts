// What is asked of a datum and said of it, as programs hold it; on the wire, times are Unix seconds in calls and milliseconds in answers.
import { Fields, fromBase64url } from "@sceau/crypto/envelope";
import { malformed } from "./errors.js";

/** A user or a group, in the application's words. */
export type Grantee = { readonly user: string } | { readonly group: string };

/** An authorisation. */
export interface Authorisation {
  readonly to: Grantee;
  readonly from?: Date;
  readonly until?: Date;
}

/** What bounds each opening, the owner's too (docs/protect-a-field.md). What is left out is not bounded. */
export interface Rules {
  readonly networks?: readonly string[];
  readonly hours?: { readonly days?: readonly string[]; readonly from: string; readonly until: string; readonly offset?: string };
  readonly reads?: number;
  /** Another user agrees to each opening (`agree`), at most so long before. */
  readonly second_person?: { readonly within_minutes: number };
}

/** When a datum's key is given out. */
export interface Validity {
  /** At most ten years ahead; a year, unless said. */
  readonly expires?: Date;
  readonly validFrom?: Date;
  readonly validUntil?: Date;
}

/** What is said of a new datum; what is left out is the element's to choose. It is known there: nothing of it is sealed. */
export interface NewDatum extends Validity {
  readonly owner?: string;
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly grants?: readonly Authorisation[];
  readonly rules?: Rules;
}

/** What is kept of a datum. */
export interface Datum {
  readonly id: string;
  readonly organisation: string;
  readonly application: string;
  readonly owner: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly created: Date;
  readonly expires: Date;
  readonly validFrom: Date | null;
  readonly validUntil: Date | null;
  readonly status: string; // active, inactive, erased
  /** Administrators or data officers of the organisation hold it: its key is given to nobody, whatever its status. */
  readonly held: { readonly time: Date; readonly act: string } | null;
  /** `act`: where two people, administrators or data officers, erased it. */
  readonly erased: { readonly time: Date; readonly epoch: number; readonly act: string | null } | null;
  readonly grants: readonly { to: Grantee; from: Date | null; until: Date | null; status: string }[];
  readonly rules: Rules;
}

/** A call about a datum that is on record, or an act of administrators or data officers. */
export interface Access {
  /** Where the log has the record. */
  readonly index: number;
  readonly time: Date;
  readonly action: string;
  /** The act on data that it was done by; null of a call. */
  readonly act: string | null;
  /** The code of the refusal. */
  readonly refused: string | null;
  /** Null where that is forgotten, and of a content that the keystore signed (`datum.sign`); of an act on data, the account of who signed it. */
  readonly user: string | null;
  /** Where the call came from, in the keyfront's word. */
  readonly address: string | null;
  readonly signer: string;
  readonly to: Grantee | null;
  /** Who asked, from where and whose authorisation it was about are forgotten, as the element's operator says when. */
  readonly forgotten: boolean;
}

/** Accesses, the last one first. */
export interface Accesses {
  readonly list: readonly Access[];
  /** `before` of those that came earlier. */
  readonly next: number | null;
}

/** A certificate of erasure. What it says is proven by its evidence: `sceau trace verify FILE --log-key KEY` checks `text`, offline. */
export interface Erasure {
  readonly datum: string;
  readonly erased: Date;
  /** When the key that opens copies of its row was destroyed; null until then. */
  readonly destroyed: Date | null;
  /** By when it is to be; null where the element states no day. */
  readonly due: Date | null;
  readonly notCovered: readonly string[];
  /** To keep, as a file. */
  readonly text: string;
}

const seconds = (time: Date | undefined): number | undefined => time && Math.floor(time.getTime() / 1000);

/** @internal */
export const authorisation = ({ to, from, until }: Authorisation): object => ({ to, from: seconds(from), until: seconds(until) });

/** @internal */
export const validity = ({ expires, validFrom, validUntil }: Validity): object => ({
  expires: seconds(expires),
  valid_from: seconds(validFrom),
  valid_until: seconds(validUntil),
});

/** @internal */
export const newDatum = (datum: NewDatum): object => ({
  owner: datum.owner,
  name: datum.name,
  tags: datum.tags,
  ...validity(datum),
  grants: datum.grants?.map(authorisation),
  rules: datum.rules,
});

/** @internal */
export function datumId(said: Fields, name = "datum"): string {
  const id = said.text(name);
  if (fromBase64url(id).length !== 32) throw malformed(name);
  return id;
}

/** @internal */
export function datum(said: Fields): Datum {
  return {
    id: datumId(said, "id"),
    organisation: said.text("organisation"),
    application: said.text("application"),
    owner: said.text("owner"),
    name: said.text("name"),
    tags: said.list("tags").map(String),
    created: date(said, "created"),
    expires: date(said, "expires"),
    validFrom: dateOrNull(said, "valid_from"),
    validUntil: dateOrNull(said, "valid_until"),
    status: said.text("status"),
    held: said.has("held") ? { time: date(said.object("held"), "time"), act: said.object("held").text("act") } : null,
    erased: said.has("erased") ? { time: date(said.object("erased"), "time"), epoch: said.object("erased").integer("epoch"), act: said.object("erased").textOrNull("act") } : null,
    grants: said.objects("grants").map((grant) => ({
      to: grantee(grant.object("to")),
      from: dateOrNull(grant, "from"),
      until: dateOrNull(grant, "until"),
      status: grant.text("status"),
    })),
    rules: Object.fromEntries(said.objectOrNull("rules")?.entries() ?? []),
  };
}

/** @internal Each is earlier than the one before: what went round would never end. */
export function accesses(said: Fields, before: number | undefined): Accesses {
  const list = said.objects("list").map((one) => ({
    index: one.integer("index"),
    time: date(one, "time"),
    action: one.text("action"),
    act: one.textOrNull("act"),
    refused: one.textOrNull("refused"),
    user: one.textOrNull("user"),
    address: one.textOrNull("address"),
    signer: one.text("signer"),
    to: one.has("to") ? grantee(one.object("to")) : null,
    forgotten: one.flag("forgotten"),
  }));
  const next = said.has("next") ? said.integer("next") : null;
  let last = before ?? Infinity;
  for (const { index } of list) {
    if (index >= last) throw malformed("accesses go round");
    last = index;
  }
  if (next !== null && next !== list.at(-1)?.index) throw malformed("accesses go round");
  return { list, next };
}

/** @internal */
export function erasure(said: Fields): Erasure {
  const destroyed = said.objectOrNull("destroyed");
  return {
    datum: datumId(said),
    erased: date(said.object("erased"), "time"),
    destroyed: destroyed && date(destroyed, "time"),
    due: dateOrNull(said, "due"),
    notCovered: said.list("not_covered").map(String),
    text: JSON.stringify(Object.fromEntries(said.entries())),
  };
}

function grantee(said: Fields): Grantee {
  return said.has("user") ? { user: said.text("user") } : { group: said.text("group") };
}

const date = (said: Fields, name: string): Date => new Date(said.integer(name));
const dateOrNull = (said: Fields, name: string): Date | null => (said.has(name) ? date(said, name) : null);
