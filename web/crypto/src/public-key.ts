// Public keys as people bring them: PEM (RFC 7468, a SubjectPublicKeyInfo) or JWK (RFC 7517). What is private is refused, and nothing of it kept.
import { base64url, type Bytes, concat, fromBase64url, hex, sha256, utf8 } from "./bytes";
import { SceauError } from "./errors";
import { fingerprint } from "./jws";

export type SigningAlgorithm = "ES256" | "EdDSA" | "PS256" | "RS256";
/** The public members of a JWK, in the order of RFC 7638. */
export type PublicJwk =
  | { readonly crv: "P-256"; readonly kty: "EC"; readonly x: string; readonly y: string }
  | { readonly crv: "Ed25519"; readonly kty: "OKP"; readonly x: string }
  | { readonly e: string; readonly kty: "RSA"; readonly n: string };

export interface PublicKey {
  readonly jwk: PublicJwk;
  /** How a key of this type can sign, the better way first. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** The name that it brought along, else its fingerprint as `sceau` names Ed25519 keys, else its thumbprint (RFC 7638). */
  readonly kid: string;
  /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal: what `openssl pkey -pubin -outform DER | openssl sha256` says. */
  readonly fingerprint: string;
}

const KID = /^[A-Za-z0-9._-]{1,64}$/;
/** SubjectPublicKeyInfo of an Ed25519 key, up to the key (RFC 8410). */
const ED25519 = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const EC = { name: "ECDSA", namedCurve: "P-256" };
const RSA = { name: "RSA-PSS", hash: "SHA-256" };
const ALGORITHMS = { EC: ["ES256"], OKP: ["EdDSA"], RSA: ["PS256", "RS256"] } as const;

/** Reads a key out of what somebody pasted. Throws `public_key_private`, `public_key_kind` or `public_key_unreadable`. */
export async function readPublicKey(text: string): Promise<PublicKey> {
  return text.trim().startsWith("{") ? ofJson(text) : ofSpki(pem(text));
}

/** A key that a document names. Throws like {@link readPublicKey}. */
export async function publicKeyOf(jwk: Readonly<Record<string, unknown>>): Promise<PublicKey> {
  if (["d", "p", "q", "dp", "dq", "qi", "oth", "k"].some((member) => member in jwk)) throw new SceauError("public_key_private");
  const text = (name: string): string => {
    const value = jwk[name];
    if (typeof value !== "string") throw new SceauError("public_key_unreadable", name);
    return value;
  };
  const { kty, crv } = jwk;
  if (kty === "OKP" && crv === "Ed25519") return ofEd25519(decoded(text("x")), jwk["kid"]);
  if (kty === "EC" && crv === "P-256") return imported("jwk", { kty, crv, x: text("x"), y: text("y") }, EC, jwk["kid"]);
  if (kty === "RSA") return imported("jwk", { kty, n: text("n"), e: text("e") }, RSA, jwk["kid"]);
  throw new SceauError("public_key_kind");
}

function ofJson(text: string): Promise<PublicKey> {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch (cause) {
    throw new SceauError("public_key_unreadable", "JSON", { cause });
  }
  // A set of one key is as clear.
  const keys = (jwk as { keys?: unknown }).keys;
  if (Array.isArray(keys) && keys.length === 1) jwk = keys[0];
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) throw new SceauError("public_key_unreadable", "JWK");
  return publicKeyOf(jwk as Record<string, unknown>);
}

/** The bytes of the one PEM block. */
function pem(text: string): Bytes {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new SceauError("public_key_private");
  if (/-----BEGIN (?:CERTIFICATE|RSA PUBLIC KEY|SSH2)/.test(text) || /^ssh-/.test(text.trim())) throw new SceauError("public_key_kind");
  const blocks = [...text.matchAll(/-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----/g)];
  const body = blocks[0]?.[1]?.replaceAll(/[\s=]/g, "");
  if (blocks.length !== 1 || body === undefined) throw new SceauError("public_key_unreadable", "PEM");
  return decoded(body.replaceAll("+", "-").replaceAll("/", "_"));
}

async function ofSpki(der: Bytes): Promise<PublicKey> {
  if (der.length === 44 && ED25519.every((octet, at) => der[at] === octet)) return ofEd25519(der.slice(12), undefined);
  for (const algorithm of [EC, RSA]) {
    const key = await imported("spki", der, algorithm, undefined).catch((cause: unknown) => {
      if (cause instanceof SceauError && cause.code === "public_key_kind") throw cause;
      return undefined;
    });
    if (key) return key;
  }
  throw new SceauError("public_key_kind");
}

async function ofEd25519(key: Bytes, kid: unknown): Promise<PublicKey> {
  if (key.length !== 32) throw new SceauError("public_key_unreadable", "x");
  const jwk = { crv: "Ed25519", kty: "OKP", x: base64url(key) } as const;
  return described(jwk, concat(ED25519, key), isKid(kid) ? kid : await fingerprint(key));
}

async function imported(format: "jwk" | "spki", given: JsonWebKey | Bytes, algorithm: typeof EC | typeof RSA, kid: unknown): Promise<PublicKey> {
  let spki: Bytes;
  let exported: JsonWebKey;
  try {
    const key = format === "jwk"
      ? await crypto.subtle.importKey("jwk", given as JsonWebKey, algorithm, true, ["verify"])
      : await crypto.subtle.importKey("spki", given as Bytes, algorithm, true, ["verify"]);
    spki = new Uint8Array(await crypto.subtle.exportKey("spki", key));
    exported = await crypto.subtle.exportKey("jwk", key);
  } catch (cause) {
    throw new SceauError("public_key_unreadable", "", { cause });
  }
  const jwk = members(exported);
  return described(jwk, spki, isKid(kid) ? kid : base64url(await sha256(utf8(JSON.stringify(jwk)))));
}

function members({ kty, x = "", y = "", n = "", e = "" }: JsonWebKey): PublicJwk {
  if (kty === "EC") return { crv: "P-256", kty, x, y };
  const bits = fromBase64url(n).length * 8;
  if (kty !== "RSA" || bits < 2048 || bits > 8192) throw new SceauError("public_key_kind", "RSA size");
  return { e, kty, n };
}

async function described(jwk: PublicJwk, spki: Bytes, kid: string): Promise<PublicKey> {
  return { jwk, algorithms: ALGORITHMS[jwk.kty], kid, fingerprint: hex(await sha256(spki)) };
}

const isKid = (kid: unknown): kid is string => typeof kid === "string" && KID.test(kid);

function decoded(text: string): Bytes {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new SceauError("public_key_unreadable", "base64", { cause });
  }
}
