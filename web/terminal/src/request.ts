// What a service provider asks of a keyring's holder: what is shown, and what is signed. Rules of crates/keyring/src/request.rs and crates/client/src/terminal/sign.rs.
import { Fields } from "@sceau/crypto";
import { base64url, type Bytes, hex, lengthPrefixed, utf8 } from "./bytes";
import { type Actor, type Algorithm, ALGORITHMS, actorOf, type Policy, type RequestKind, type SubjectField } from "./documents";
import { TerminalError } from "./errors";
import { verifyJws, unverifiedKid } from "./jws";
import { hashOf, sha256 } from "./labels";
import { description, label } from "./legible";

const LONGEST = 32 * 1024;
const MOST_ITEMS = 100;
const LIFETIME = 600_000;
/** How far clocks may be apart, in ms. */
const SKEW = 60_000;

export interface Item {
  readonly label: string;
  readonly hash: Bytes;
}

export interface Request {
  readonly request: string;
  readonly provider: string;
  readonly keyring: string;
  readonly kind: RequestKind;
  readonly description: string;
  readonly items: readonly Item[];
  readonly algorithm: Algorithm | null;
  readonly aud: string;
  readonly time: number;
  readonly ends: number;
  readonly nonce: string | null;
  /** Which terminal is taken off, where its holder asks that; none in what a provider asks. */
  readonly terminal: string | null;
}

/** What a holder reads before agreeing, all of it. */
export interface Asked {
  /** Who asks, by the name that the security officer registered. */
  readonly provider: string;
  readonly request: Request;
  readonly jws: string;
  /** What the provider is told of the holder, besides the keyring, where it asks who it is. */
  readonly told: readonly SubjectField[];
  /** Thumbprint of the provider's key, hexadecimal. */
  readonly key: string;
}

const malformed = (rule: string): TerminalError => new TerminalError("request_invalid", `not a request: ${rule}`);

/** Reads what was signed: unknown fields, other shapes and texts that are not what they seem are refused. The element reads it again, and more strictly. */
export function parseRequest(bytes: Bytes): Request {
  try {
    return read(Fields.parse(bytes, "keyring_malformed"));
  } catch (cause) {
    throw cause instanceof TerminalError ? cause : malformed("its shape");
  }
}

function read(fields: Fields): Request {
  fields.only("v", "request", "provider", "keyring", "kind", "description", "items", "hash", "algorithm", "aud", "time", "ends", "nonce");
  const request: Request = {
    request: fields.text("request"),
    provider: fields.text("provider"),
    keyring: fields.text("keyring"),
    kind: fields.oneOf("kind", ["sign", "authenticate", "roam", "join", "dissociate", "destroy"]),
    description: fields.text("description"),
    items: fields.objects("items").map((item) => {
      item.only("label", "hash");
      return { label: item.text("label"), hash: item.bytes("hash") };
    }),
    algorithm: fields.has("algorithm") ? fields.oneOf("algorithm", ALGORITHMS) : null,
    aud: fields.text("aud"),
    time: fields.integer("time"),
    ends: fields.integer("ends"),
    nonce: fields.textOrNull("nonce"),
    terminal: null,
  };
  const signs = request.kind === "sign";
  const rule = (holds: boolean, rule: string): void => {
    if (!holds) throw malformed(rule);
  };
  rule(fields.integer("v") === 1 && fields.text("hash") === "SHA-256", "v is 1, and hashes are of SHA-256");
  rule(signs === request.items.length > 0, "items exactly where it asks to sign");
  rule(signs === (request.algorithm !== null), "an algorithm exactly where it asks to sign");
  rule(request.items.length <= MOST_ITEMS, "at most 100 items");
  rule(request.items.every(({ hash }) => hash.length === 32), "each hash has 32 bytes");
  const lasts = request.ends - request.time;
  rule(lasts >= 1 && lasts <= LIFETIME, "it ends within ten minutes of when it was made");
  const nonce = request.nonce === null ? 1 : utf8(request.nonce).length;
  rule(nonce >= 1 && nonce <= 128, "a nonce of 1 to 128 bytes");
  const illegible = description(request.description) ?? request.items.map(({ label: text }) => label(text)).find((why) => why !== null) ?? null;
  if (illegible !== null) throw new TerminalError("request_invalid", `its text could be read as another one (${illegible})`);
  return request;
}

/** Hash of what is displayed: the description as it is, and each item with its hash. Hexadecimal. */
export const descriptionHash = ({ description: text, items }: Request): string =>
  hex(hashOf("sceau/kr-description", lengthPrefixed(utf8(text), ...items.flatMap((item) => [utf8(item.label), item.hash]))));

/** SHA-256 of a request's JWS, hexadecimal. */
export const requestHash = (jws: string): string => hex(sha256(utf8(jws)));

/** What of a terminal says which requests are for it. */
export interface Bound {
  readonly keyring: string;
  readonly origin: string;
  readonly policy: Policy;
  readonly actors: readonly Actor[];
}

/** A request, if a service provider that may ask this signed it, for this keyring, now. Throws `actor_unknown` or `request_invalid`. */
export async function judge(bound: Bound, jws: string, now: number): Promise<Asked> {
  if (jws.length > LONGEST) throw malformed("at most 32768 characters are read");
  const found = await actorOf(bound.actors, unverifiedKid(jws));
  if (!found) throw new TerminalError("actor_unknown", "who signed the request is not registered by the security officer: do not trust it");
  const { actor, key } = found;
  const request = parseRequest(await verifyJws(jws, "sceau-kr-request", key));
  const { policy } = bound;
  const signs = request.kind === "sign";
  const may =
    actor.role === "service_provider" &&
    actor.active &&
    actor.kinds.includes(request.kind) &&
    actor.policies.includes(policy.policy) &&
    actor.id === request.provider;
  const rules: readonly (readonly [boolean, string])[] = [
    [may, "its provider may not ask this of keyrings of this policy"],
    [request.keyring === bound.keyring && request.aud === bound.origin, "it is for another keyring"],
    [now < request.ends && request.time <= now + SKEW, "it has ended, or is of the future: ask the provider for another"],
    [signs || request.kind === "authenticate", "this terminal is asked to sign and to authenticate alone"],
    [!signs || policy.use === "sign", "it asks to sign, and the keyring only shows who its holder is"],
    [request.algorithm === (signs ? policy.algorithm : null), "it asks for another algorithm than the policy's"],
    [request.items.length <= policy.batchMost, "it has more items than the policy allows"],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new TerminalError("request_invalid", broken[1]);
  const told = signs || policy.discloses === "keyring" ? [] : policy.subject;
  return { provider: actor.name, request, jws, told, key: hex(key.thumbprint) };
}

/** Hashes of what is signed, as JSON has them. */
export const hashesOf = (request: Request): string[] => request.items.map(({ hash }) => base64url(hash));
