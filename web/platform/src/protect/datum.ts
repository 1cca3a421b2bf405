/** A datum as the element attested it, and who can read it. No I/O, and the time is given. */

import type { DatumState } from "../api/types";

export type Grantee = { readonly user: string } | { readonly group: string };

export interface DatumGrant {
  readonly to: Grantee;
  readonly from: number | null;
  readonly until: number | null;
  readonly status: "active" | "inactive";
}

export interface DatumRules {
  readonly networks?: readonly string[];
  readonly hours?: { readonly days?: readonly string[]; readonly from: string; readonly until: string; readonly offset: string };
  readonly reads?: number;
  readonly second_person?: { readonly within_minutes: number };
}

/** docs/protect-a-field.md, *Call*: `document`. Times are Unix milliseconds. */
export interface DatumDocument {
  readonly id: string;
  readonly organisation: string;
  readonly application: string;
  readonly owner: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly created: number;
  readonly expires: number;
  readonly valid_from: number | null;
  readonly valid_until: number | null;
  readonly status: "active" | "inactive" | "erased";
  /** Since when it is held, and by which act. */
  readonly held?: { readonly time: number; readonly act: string } | null;
  readonly grants: readonly DatumGrant[];
  readonly rules?: DatumRules;
}

/** `reads`: now, as far as the rules let; `later` and `over`: the window is not now; `held`: the authorisation is deactivated. */
export type Standing = "reads" | "later" | "over" | "held";

/** Somebody who may have the key, and in which window: the authorisation's within the datum's. */
export interface Reader {
  readonly kind: "owner" | "user" | "group";
  readonly name: string;
  readonly from: number;
  readonly until: number;
  readonly standing: Standing;
}

/** The owner first, then users, then groups, each in the order of their names. */
export function readersOf(datum: DatumDocument, now: number): Reader[] {
  const [opens, closes] = windowOf(datum);
  const reader = (kind: Reader["kind"], name: string, from: number, until: number, counts: boolean): Reader => ({
    kind, name, from, until: Math.max(from, until),
    standing: counts ? (now >= until || from >= until ? "over" : now < from ? "later" : "reads") : "held",
  });
  const granted = datum.grants.map((grant) => {
    const [kind, name] = "user" in grant.to ? (["user", grant.to.user] as const) : (["group", grant.to.group] as const);
    return reader(kind, name, Math.max(opens, grant.from ?? opens), Math.min(closes, grant.until ?? closes), grant.status === "active");
  });
  const rank = { owner: 0, user: 1, group: 2 };
  granted.sort((a, b) => rank[a.kind] - rank[b.kind] || a.name.localeCompare(b.name));
  return [reader("owner", datum.owner, opens, closes, true), ...granted];
}

/** What the datum is at `now`: what is erased is that alone, and what is held is that whatever its owner did. */
export function stateOf(datum: DatumDocument, now: number): DatumState {
  if (datum.status === "erased") return "erased";
  if (datum.held) return "held";
  if (datum.status === "active" && now >= datum.expires) return "expired";
  return datum.status;
}

/** Why nobody has the key, whatever was granted: for now, or for good. */
export type Stopped = "inactive" | "held" | "erased";

export const stoppedBy = (state: DatumState): Stopped | undefined => (state === "active" || state === "expired" ? undefined : state);

/** From when until when anybody has the key at all. */
export function windowOf(datum: DatumDocument): [from: number, until: number] {
  return [Math.max(datum.created, datum.valid_from ?? datum.created), Math.min(datum.expires, datum.valid_until ?? datum.expires)];
}

/** Where an instant stands in the datum's life, from 0 (begun) to 1 (its key ends). */
export function placeOf(datum: DatumDocument, at: number): number {
  return Math.min(1, Math.max(0, (at - datum.created) / (datum.expires - datum.created)));
}
