// What the log shows in place of an id of a person or a person's thing, and what opens it (docs/verify-evidence.md; the rules are
// those of crates/trace/src/opening).
import { type Bytes, base64url, concat, fromBase64url, utf8 } from "./bytes";
import { SceauError } from "./errors";
import type { Fields } from "./json";
import { isId, type TraceRecord } from "./record";

const PREFIX = "hmac:";
const MAX_SUBJECTS = 64;

/** Whether a field of a record is withheld: it holds a commitment, and nothing opened it. */
export const isWithheld = (id: string): boolean => id.startsWith(PREFIX);

interface Opening {
  readonly path: string;
  readonly key: Bytes; // 32 bytes
  readonly value: string;
}

/** The openings of an evidence file, not compared with any record yet. */
export function parseOpenings(openings: Fields): Opening[] {
  return openings.entries().map(([path]) => {
    if (!isPath(path)) throw new SceauError("evidence.malformed", "a path");
    const one = openings.object(path).only("key", "value");
    const [key, value] = [one.bytes("key"), one.text("value")];
    if (key.length !== 32 || !isId(value) || isWithheld(value)) throw new SceauError("evidence.malformed", "an opening");
    return { path, key, value };
  });
}

/** The record with each opened value in its commitment's place. An opening that does not fit, or opens nothing, fails. */
export async function reveal(record: TraceRecord, openings: readonly Opening[]): Promise<TraceRecord> {
  let { actor, attested, subjects } = record;
  for (const opening of openings) {
    const { path, value } = opening;
    const at = path.startsWith("subjects.") ? Number(path.split(".")[1]) : -1;
    const committed = at >= 0 ? subjects[at]?.id : path === "actor.id" ? actor.id : attested?.id;
    if (committed === undefined || !isWithheld(committed)) throw new SceauError("opening.superfluous", path);
    if (!(await fits(committed, opening))) throw new SceauError("opening.wrong", path);
    if (at >= 0) subjects = subjects.map((subject, i) => (i === at ? { ...subject, id: value } : subject));
    else if (path === "actor.id") actor = { ...actor, id: value };
    else if (attested) attested = { ...attested, id: value };
  }
  return { ...record, actor, attested, subjects };
}

/** HMAC-SHA-256(key, "sceau/trace-field" ‖ 00 ‖ path ‖ 00 ‖ value). */
async function fits(committed: string, { path, key, value }: Opening): Promise<boolean> {
  const mac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const message = concat(utf8(`sceau/trace-field\0${path}\0`), utf8(value));
  return crypto.subtle.verify("HMAC", mac, fromBase64url(committed.slice(PREFIX.length)), message);
}

/** The commitment as it is logged; for tests and stand-ins. */
export async function commitTo(key: Bytes, path: string, value: string): Promise<string> {
  const mac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const message = concat(utf8(`sceau/trace-field\0${path}\0`), utf8(value));
  return PREFIX + base64url(new Uint8Array(await crypto.subtle.sign("HMAC", mac, message)));
}

function isPath(path: string): boolean {
  if (path === "actor.id" || path === "attested.id") return true;
  const number = /^subjects\.(0|[1-9][0-9]?)\.id$/.exec(path)?.[1];
  return number !== undefined && Number(number) < MAX_SUBJECTS;
}
