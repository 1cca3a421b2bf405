// The way from who made a time stamp to an authority that is trusted (RFC 5280 §6). The verdicts are those of crates/pki/src/path.rs and its library (webpki); where
// that compares names with what an authority may name, this refuses: an authority of time stamps has no use for such names.
import { equal } from "../bytes";
import type { Anchors } from "./anchors";
import {
  allowsStamps, ALTERNATIVE_NAMES, authorityOver, type Certificate, isForStampsAlone, isStrange, mayNot, NAME_CONSTRAINTS, SIGNS_CERTIFICATES,
} from "./certificate";
import { inside, NotDer, only, TAG } from "./der";
import { isSignedBy } from "./signature";

/** There is one; there is one at another time; there is none. */
export type Vouching = "vouched" | "other_time" | "none";

/** How many authorities may stand between, and how much work somebody's token is worth. */
const DEPTH = 6;
const STEPS = 20_000;
const SIGNATURES = 100;
/** The critical extensions that are looked at in certificates below an anchor, by the last number of id-ce. */
const UNDERSTOOD = [15, 17, 19, 30, 31, 37];

/** Whether an anchor vouches, as of `time` (unix milliseconds), for a signer of time stamps and of nothing else. `brought` are certificates that may stand between. */
export async function vouchedFor(signer: Certificate, brought: readonly Certificate[], anchors: Anchors, time: number): Promise<Vouching> {
  if (!holds(() => isForStampsAlone(signer))) return "none";
  const search = (at: number) => new Search(brought, anchors, at).above([signer]);
  const found = await search(time);
  if (found !== "other_time") return found;
  // Who is told of dates is told that somebody trusted vouched for the signer at another time.
  const within = Math.min(Math.max(time, signer.notBefore), signer.notAfter);
  return (await search(within)) === "none" ? "none" : "other_time";
}

class Search {
  #steps = STEPS;
  #signatures = SIGNATURES;
  readonly #second: number;
  constructor(readonly brought: readonly Certificate[], readonly anchors: Anchors, time: number) {
    this.#second = Math.floor(time / 1000);
  }

  /** Looks above the last of a path, which begins with the signer. */
  async above(path: readonly Certificate[]): Promise<Vouching> {
    const head = path.at(-1);
    if (!head || (this.#steps -= 1) < 0 || !head.usual || isStrange(head, UNDERSTOOD)) return "none";
    if (!this.#isCurrent(head)) return "other_time";
    if (path.length > 1 && !holds(() => mayStandAbove(head, path.length - 2))) return "none";
    let best: Vouching = "none";
    for (const anchor of this.anchors.certificates) {
      if (!equal(anchor.subject, head.issuer)) continue;
      const found = await this.#under(anchor, path);
      if (found === "vouched") return found;
      if (found === "other_time") best = found;
    }
    if (path.length > DEPTH) return best;
    for (const issuer of this.brought) {
      // The same name and key again would be a loop (RFC 4158 §5.2).
      const again = path.some((one) => equal(one.key, issuer.key) && equal(one.subject, issuer.subject));
      if (again || !equal(issuer.subject, head.issuer)) continue;
      const found = await this.above([...path, issuer]);
      if (found === "vouched") return found;
      if (found === "other_time") best = found;
    }
    return best;
  }

  /** A path whose last is of this anchor's name: each signature from there down, and what the anchor allows. */
  async #under(anchor: Certificate, path: readonly Certificate[]): Promise<Vouching> {
    let issuer = anchor;
    for (const certificate of path.toReversed()) {
      if ((this.#signatures -= 1) < 0) return "none";
      const { key } = issuer;
      const signed = await isSignedBy(key, certificate.algorithm, certificate.signed, certificate.signature).catch(() => null);
      if (signed !== true) return "none";
      issuer = certificate;
    }
    const allowed = holds(() => {
      const authorities = [...path.slice(1), anchor];
      return authorities.every((one, at) => mayName(one, path.slice(0, at + 1))) && (authorityOver(anchor) ?? -1) >= path.length - 1;
    });
    if (!allowed) return "none";
    return this.#isCurrent(anchor) ? "vouched" : "other_time";
  }

  /** The whole last second counts (RFC 5280 §4.1.2.5). */
  #isCurrent({ notBefore, notAfter }: Certificate): boolean {
    return this.#second >= Math.floor(notBefore / 1000) && this.#second <= Math.floor(notAfter / 1000);
  }
}

/** An authority between: that it is one, over so many below it; that its key may sign certificates; that it has a name; and that it may vouch for time stamps. */
function mayStandAbove(authority: Certificate, below: number): boolean {
  return (authorityOver(authority) ?? -1) >= below && !mayNot(authority, SIGNS_CERTIFICATES) && authority.holder !== "" && allowsStamps(authority);
}

/** What an authority says of the names below it (RFC 5280 §4.2.1.10). Names in the subject are constrained as a whole: no such constraint is met here. */
function mayName(authority: Certificate, below: readonly Certificate[]): boolean {
  const constraints = authority.extensions.get(NAME_CONSTRAINTS);
  if (!constraints) return true;
  const named = new Set(below.flatMap(kindsOfNames));
  const fields = only(constraints.value, TAG.sequence);
  for (const subtrees of [fields.optional(TAG.zero), fields.optional(TAG.one)]) {
    for (const all = subtrees && inside(subtrees); all && !all.empty; ) {
      const subtree = inside(all.expect(TAG.sequence));
      const kind = subtree.element().tag & 0x1f;
      subtree.end();
      if (kind === DIRECTORY_NAME || named.has(kind)) return false;
    }
  }
  fields.end();
  return true;
}

const DIRECTORY_NAME = 4;

/** Of which kinds its other names are (GeneralName, RFC 5280 §4.2.1.6). */
function kindsOfNames(certificate: Certificate): number[] {
  const names = certificate.extensions.get(ALTERNATIVE_NAMES);
  const kinds: number[] = [];
  if (names) for (const all = only(names.value, TAG.sequence); !all.empty; ) kinds.push(all.element().tag & 0x1f);
  return kinds;
}

/** What cannot be read does not hold. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof NotDer) return false;
    throw cause;
  }
}
