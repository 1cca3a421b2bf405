/** What is on record about protected data: asked for by filters, and believed once its proof holds. */
import { fromBase64url, fromUtf8, isWithheld, SceauError, type TraceRecord, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { Evidence, RecordLine } from "../api/types";
import { logKey } from "../trust";
import { dayOf } from "./search";

/** The filters, each a text; dates as `YYYY-MM-DD`, both days included. The names are those of the address bar. */
export interface Looked { from: string; until: string; application: string; by: string; outcome: string; datum: string }

const FIELDS = ["from", "until", "application", "by", "outcome", "datum"] as const;

export const lookedOf = (query: URLSearchParams): Looked => Object.fromEntries(FIELDS.map((field) => [field, query.get(field) ?? ""])) as unknown as Looked;

/** For the address bar: what is asked for and no more. */
export const addressOf = (looked: Looked): string =>
  new URLSearchParams(FIELDS.filter((field) => looked[field] !== "").map((field) => [field, looked[field]])).toString();

/** For the platform: days become the instants at which they begin, or end, where the reader is. */
export function askedOf(looked: Looked, before: number | null): URLSearchParams {
  const asked = new URLSearchParams(addressOf(looked));
  for (const [field, later] of [["from", 0], ["until", 1]] as const) {
    const at = dayOf(looked[field], later);
    if (at === undefined) asked.delete(field);
    else asked.set(field, String(at));
  }
  if (before !== null) asked.set("before", String(before));
  return asked;
}

/** A record as its proof has it. A name that the log withholds and nothing opened is null. */
export interface ProvenRecord {
  readonly evidence: Evidence;
  readonly record: TraceRecord;
  readonly user: string | null | undefined;
  /** The provider of identities that proved who the user is; undefined where the application asserted it. */
  readonly issuer: string | null | undefined;
  readonly address: string | null | undefined;
  readonly grantee: string | null | undefined;
  readonly datum: string | null | undefined;
}

/** Throws unless the log has the record that the line names, the organisation's, and it ended as the line says. */
export async function checkRecord(line: RecordLine, organisation: string): Promise<ProvenRecord> {
  const evidence = await api.recordEvidence(line.index);
  const { record, index } = await verifyEvidence(evidence, await logKey());
  const is =
    index === line.index && record.organisation === organisation && record.action === line.action && record.time === line.time &&
    record.outcome === line.outcome && record.code === line.code && (line.application === null || record.actor.id === line.application);
  if (!is) throw new SceauError("evidence.wrong_subject");
  const of = (...kinds: string[]) => record.subjects.find(({ kind }) => kinds.includes(kind))?.id;
  return {
    evidence, record, user: inClear(of("user")), issuer: inClear(of("issuer")), address: inClear(of("address")), grantee: inClear(of("granted_user", "granted_group")), datum: open(of("datum")),
  };
}

const open = (id: string | undefined): string | null | undefined => (id !== undefined && isWithheld(id) ? null : id);

/** Names are in a record as base64url of their text: a token of the log has neither accents nor spaces. */
function inClear(id: string | undefined): string | null | undefined {
  const token = open(id);
  return token === null || token === undefined ? token : fromUtf8(fromBase64url(token));
}
