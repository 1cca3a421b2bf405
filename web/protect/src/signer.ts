// The key that an application signs its calls with: compact JWS (RFC 7515), one algorithm a key.
import { base64url, type Bytes, utf8 } from "@sceau/crypto/envelope";
import { ProtectError } from "./errors.js";

export type SigningAlgorithm = "ES256" | "EdDSA" | "PS256" | "RS256";

/** A registered key: its `kid` is the one in the application's document. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly key: CryptoKey;
}

/** What the application's document says of a key. */
export interface PublicKeyMembers {
  readonly kty: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

const RSA = { modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" };
const KEYS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
  PS256: { name: "RSA-PSS", ...RSA },
  RS256: { name: "RSASSA-PKCS1-v1_5", ...RSA },
};
const SIGNATURES = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
};

/**
 * Reads a private key from PEM, PKCS#8 (`BEGIN PRIVATE KEY`, as `openssl genpkey` writes it), into the engine, which does not give it out again.
 */
export async function readSigningKey(alg: SigningAlgorithm, kid: string, pem: string): Promise<SigningKey> {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) {
    throw new ProtectError("key_malformed", "caller", "a key in PKCS#8 PEM is wanted: openssl pkcs8 -topk8 -nocrypt -in KEY makes it of others");
  }
  const der = Uint8Array.from(atob(body.replaceAll(/\s/g, "")), (letter) => letter.charCodeAt(0));
  try {
    return { alg, kid, key: await crypto.subtle.importKey("pkcs8", der, KEYS[alg], false, ["sign"]) };
  } catch (cause) {
    throw new ProtectError("key_malformed", "caller", `not a key for ${alg}, or not one that is known here`, undefined, { cause });
  } finally {
    der.fill(0);
  }
}

/** Draws a key that never leaves the engine, and says what to register. */
export async function drawSigningKey(alg: SigningAlgorithm, kid: string): Promise<{ key: SigningKey; jwk: PublicKeyMembers }> {
  let pair: CryptoKeyPair;
  try {
    pair = (await crypto.subtle.generateKey(KEYS[alg], false, ["sign", "verify"])) as CryptoKeyPair;
  } catch (cause) {
    throw new ProtectError("key_malformed", "caller", `${alg} is not known here`, undefined, { cause });
  }
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const members = Object.entries({ crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  return { key: { alg, kid, key: pair.privateKey }, jwk: { kty: String(kty), ...Object.fromEntries(members) } };
}

/** @internal A compact JWS of this type. */
export async function sign({ alg, kid, key }: SigningKey, typ: string, payload: Bytes): Promise<string> {
  const body = `${base64url(utf8(JSON.stringify({ alg, kid, typ })))}.${base64url(payload)}`;
  let signature: ArrayBuffer;
  try {
    signature = await crypto.subtle.sign(SIGNATURES[alg], key, utf8(body));
  } catch (cause) {
    throw new ProtectError("key_malformed", "caller", `the key does not sign by ${alg}`, undefined, { cause });
  }
  return `${body}.${base64url(new Uint8Array(signature))}`;
}
