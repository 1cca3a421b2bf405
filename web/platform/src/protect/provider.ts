/** The provider of identities of an application's users, as an administrator names it: keys that were pasted, compared with those that are registered. No I/O. */
import { base64url, codeOf, type PublicJwk, publicKeyOf, sha256, type SigningAlgorithm, utf8 } from "@sceau/crypto";
import type { ApplicationDocument } from "./application";

export interface ProviderKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly jwk: PublicJwk;
}

/** docs/protect-a-field.md, *Who the user is*. What is left out is as the element has it unless said. */
export interface UserProvider {
  readonly issuer: string;
  readonly client_id: string;
  readonly keys: readonly ProviderKey[];
  readonly user?: "sub" | "email";
  readonly groups?: string;
  readonly groups_asserted?: boolean;
  readonly token_age?: number;
  readonly sign_in_age?: number;
}

/** A key as it will stand: registered before or not, or left out from now on. */
export interface ComparedKey extends ProviderKey {
  /** RFC 7638, in base64url. */
  readonly thumbprint: string;
  readonly standing: "new" | "kept" | "gone";
}

/** Keys of one provider. */
export const MOST_KEYS = 8;
/** How old a token may be, in seconds, unless said. */
export const TOKEN_AGE = 3600;

const PRINTED = /^[\x21-\x7e]{1,128}$/;

/** The keys of a JSON Web Key Set (RFC 7517 section 5) that ID tokens can verify under: those for other uses and algorithms are left out, as RFC 7517 asks. */
export async function readKeySet(text: string): Promise<{ readonly keys: readonly ProviderKey[]; readonly fault: "" | "private" | "unreadable" | "none" | "many" }> {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return { keys: [], fault: "unreadable" };
  }
  const listed = (set as { keys?: unknown } | null)?.keys ?? set;
  if (!Array.isArray(listed)) return { keys: [], fault: "unreadable" };
  const keys: ProviderKey[] = [];
  for (const one of listed as readonly Readonly<Record<string, unknown>>[]) {
    try {
      // Shown by `sceau provider-keys`, a key stands under `jwk`.
      const read = await publicKeyOf((one["jwk"] ?? one) as Readonly<Record<string, unknown>>);
      const alg = one["alg"] ?? (read.algorithms.includes("RS256") ? "RS256" : read.algorithms[0]);
      const algorithm = read.algorithms.find((known) => known === alg);
      if (algorithm === undefined || (one["use"] ?? "sig") !== "sig") continue;
      const free = (kid: unknown): kid is string => typeof kid === "string" && PRINTED.test(kid) && !keys.some((key) => key.kid === kid);
      const kid = [one["kid"], await thumbprint(read.jwk)].find(free);
      // Without a name of its own left, it is a key that stands there twice.
      if (kid !== undefined) keys.push({ kid, alg: algorithm, jwk: read.jwk });
    } catch (cause) {
      if (codeOf(cause) === "public_key_private") return { keys: [], fault: "private" };
    }
  }
  if (keys.length === 0) return { keys, fault: "none" };
  return { keys, fault: keys.length > MOST_KEYS ? "many" : "" };
}

/** What becomes of each key: those that will stand, then those that will not. */
export function compared(next: readonly ProviderKey[], before: readonly ProviderKey[]): Promise<readonly ComparedKey[]> {
  const same = (one: ProviderKey, other: ProviderKey): boolean => one.kid === other.kid && one.alg === other.alg && bytesOf(one.jwk) === bytesOf(other.jwk);
  const standing = (keys: readonly ProviderKey[], of: readonly ProviderKey[], there: ComparedKey["standing"], not: ComparedKey["standing"]) =>
    keys.map((key) => ({ key, standing: of.some((one) => same(one, key)) ? there : not }));
  const all = [...standing(next, before, "kept", "new"), ...standing(before, next, "kept", "gone").filter((one) => one.standing === "gone")];
  return Promise.all(all.map(async (one) => ({ ...one.key, standing: one.standing, thumbprint: await thumbprint(one.key.jwk) })));
}

/** The application's next version, with this provider or with none. */
export function withProvider(document: ApplicationDocument, provider: UserProvider | undefined): ApplicationDocument {
  const rest = Object.fromEntries(Object.entries(document).filter(([member]) => member !== "provider")) as unknown as ApplicationDocument;
  return provider ? { ...rest, provider } : rest;
}

/** Whether it names a provider: an address over TLS, or on this machine (OpenID Connect Discovery 1.0 section 3). */
export function isIssuer(text: string): boolean {
  if (text.length > 96 || !/^[\x21-\x7e]+$/.test(text) || /[?#@"<>\\]/.test(text)) return false;
  return /^https:\/\/[^/]/.test(text) || /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$)/.test(text);
}

/** Required members in their order (RFC 7638 section 3.2). */
function bytesOf(jwk: PublicJwk): string {
  return JSON.stringify(Object.fromEntries(Object.entries(jwk).toSorted(([one], [other]) => (one < other ? -1 : 1))));
}

async function thumbprint(jwk: PublicJwk): Promise<string> {
  return base64url(await sha256(utf8(bytesOf(jwk))));
}
