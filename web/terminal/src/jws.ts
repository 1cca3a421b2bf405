// Compact JWS (RFC 7515) of keyrings: the header names the key by its thumbprint (RFC 7638), its typ keeps the uses of a key apart. Rules of crates/keyring/src/signed.rs.
import { publicKeyOf, readPublicKey, verifyEd25519 } from "@sceau/crypto";
import { base64url, type Bytes, fromBase64url, fromUtf8, hex, utf8 } from "./bytes";
import { unproven } from "./errors";
import { sha256 } from "./labels";

export type Typ = "sceau-kr-message" | "sceau-kr-sad" | "sceau-kr-visit" | "sceau-kr-request" | "sceau-kr-proof";

/** The longest statement that is read, in characters. */
const LONGEST = 64 * 1024;
const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** A terminal's key: it signs, and nothing takes it out. */
export interface DeviceKey {
  readonly privateKey: CryptoKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
  /** Its thumbprint, 32 bytes. */
  readonly thumbprint: Bytes;
}

/** Draws a key of P-256 that WebCrypto keeps: not extractable. */
export async function generateDevice(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
  return deviceOf(pair.privateKey, new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)));
}

/** The key that storage gives back. */
export async function deviceOf(privateKey: CryptoKey, spki: Bytes): Promise<DeviceKey> {
  return { privateKey, spki, thumbprint: (await keyOf(spki)).thumbprint };
}

/** Signs a statement of this typ. */
export async function signJws(typ: Typ, key: DeviceKey, payload: Bytes): Promise<string> {
  const header = `{"alg":"ES256","kid":"${base64url(key.thumbprint)}","typ":"${typ}"}`;
  const input = `${base64url(utf8(header))}.${base64url(payload)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, utf8(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

/** A public key that statements are verified by. */
export interface VerifyingKey {
  readonly jwk: JsonWebKey;
  readonly thumbprint: Bytes;
}

/** The key of a SubjectPublicKeyInfo: P-256, RSA or Ed25519. Throws `public_key_…`. */
export async function keyOf(spki: Bytes): Promise<VerifyingKey> {
  // As PEM, which the one reader of public keys takes.
  const pem = `-----BEGIN PUBLIC KEY-----\n${base64url(spki).replaceAll("-", "+").replaceAll("_", "/")}\n-----END PUBLIC KEY-----`;
  return named((await readPublicKey(pem)).jwk);
}

/** The key of a JWK in JSON: the element's word. */
export async function keyOfJwk(json: string): Promise<VerifyingKey> {
  return named((await publicKeyOf(JSON.parse(json) as Record<string, unknown>)).jwk);
}

/** The members are in the order of RFC 7638 already. */
const named = (jwk: object): VerifyingKey => ({ jwk: jwk, thumbprint: sha256(utf8(JSON.stringify(jwk))) });

interface Parts {
  readonly alg: string;
  readonly kid: string;
  readonly typ: string;
  readonly payload: Bytes;
  readonly signature: Bytes;
  readonly input: string;
}

function parse(jws: string): Parts {
  const refused = (why: string): Error => unproven(`a statement: ${why}`);
  const parts = jws.split(".");
  const [header, payload, signature] = parts;
  if (jws.length > LONGEST || parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) throw refused("not a compact JWS");
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(fromUtf8(fromBase64url(header))) as Record<string, unknown>;
  } catch {
    throw refused("its header cannot be read");
  }
  const { alg, kid, typ, crit } = said;
  if (typeof alg !== "string" || typeof kid !== "string" || typeof typ !== "string" || crit !== undefined) throw refused("its header is not one of ours");
  return { alg, kid, typ: typ.toLowerCase().replace(/^application\//, ""), payload: fromBase64url(payload), signature: fromBase64url(signature), input: `${header}.${payload}` };
}

/** The thumbprint that a statement names, to look its key up. Proves nothing. */
export const unverifiedKid = (jws: string): string => parse(jws).kid;

/** The exact bytes that the owner of this key signed as a statement of this typ. Throws `unproven`. */
export async function verifyJws(jws: string, typ: Typ, key: VerifyingKey): Promise<Bytes> {
  const { alg, kid, typ: said, payload, signature, input } = parse(jws);
  if (said !== typ) throw unproven("a statement of another typ");
  if (kid !== base64url(key.thumbprint)) throw unproven(`a ${typ}: it names another key than the one that should have signed`);
  if (!(await isSigned(alg, key.jwk, signature, utf8(input)))) throw unproven(`a ${typ}: the signature is not its key's`);
  return payload;
}

async function isSigned(alg: string, jwk: JsonWebKey, signature: Bytes, message: Bytes): Promise<boolean> {
  const verify = async (imported: EcKeyImportParams | RsaHashedImportParams, by: AlgorithmIdentifier | EcdsaParams | RsaPssParams): Promise<boolean> =>
    crypto.subtle.verify(by, await crypto.subtle.importKey("jwk", jwk, imported, false, ["verify"]), signature, message);
  const hash = "SHA-256";
  switch (`${jwk.kty ?? ""} ${alg}`) {
    case "EC ES256":
      return verify(P256, { name: "ECDSA", hash });
    case "RSA RS256":
      return verify({ name: "RSASSA-PKCS1-v1_5", hash }, { name: "RSASSA-PKCS1-v1_5" });
    case "RSA PS256":
      return verify({ name: "RSA-PSS", hash }, { name: "RSA-PSS", saltLength: 32 });
    case "OKP EdDSA":
      return verifyEd25519(fromBase64url(jwk.x ?? ""), signature, message);
    default:
      return false;
  }
}

/** A thumbprint as consents write it. */
export const thumbprintHex = (key: { thumbprint: Bytes }): string => hex(key.thumbprint);
