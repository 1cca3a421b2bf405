// Whether the holder of a key signed something: by the algorithms of crates/pki/src/signature.rs, but for those that no browser has (ML-DSA).
import { type Bytes, concat, hex } from "../bytes";
import { verifyEd25519 } from "../jws";
import { inside, only, Reader, TAG } from "./der";

export type Hash = "SHA-256" | "SHA-384" | "SHA-512";

/** id-sha256, id-sha384, id-sha512 (RFC 5754 §2), in hexadecimal. */
const HASHES: Readonly<Record<string, Hash>> = {
  "608648016503040201": "SHA-256",
  "608648016503040202": "SHA-384",
  "608648016503040203": "SHA-512",
};
/** The hash of this number, where it is taken. */
export const hashNamed = (oid: Bytes): Hash | undefined => HASHES[hex(oid)];

export async function digest(hash: Hash | "SHA-1", bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

/** What stands in the AlgorithmIdentifiers of a signature and of a key, in hexadecimal: both must be one of these pairs, to the letter. */
type Way =
  | { readonly by: "ECDSA"; readonly hash: Hash }
  | { readonly by: "RSASSA-PKCS1-v1_5"; readonly hash: Hash }
  | { readonly by: "RSA-PSS"; readonly hash: Hash; readonly saltLength: number }
  | { readonly by: "Ed25519" };
const ECDSA = "06082a8648ce3d0403";
const RSA = "06092a864886f70d0101";
const ED25519 = "06032b6570";
const SIGNATURES: Readonly<Record<string, Way>> = {
  [`${ECDSA}02`]: { by: "ECDSA", hash: "SHA-256" },
  [`${ECDSA}03`]: { by: "ECDSA", hash: "SHA-384" },
  [`${ECDSA}04`]: { by: "ECDSA", hash: "SHA-512" },
  ...pkcs1("0b", "SHA-256"),
  ...pkcs1("0c", "SHA-384"),
  ...pkcs1("0d", "SHA-512"),
  [pss("01", 32)]: { by: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  [pss("02", 48)]: { by: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
  [pss("03", 64)]: { by: "RSA-PSS", hash: "SHA-512", saltLength: 64 },
  [ED25519]: { by: "Ed25519" },
};
const RSA_KEY = `${RSA}010500`;
/** id-ecPublicKey with its curve (RFC 5480 §2.1.1), and how long each half of a signature is. */
const CURVES: Readonly<Record<string, { readonly namedCurve: string; readonly length: number }>> = {
  "06072a8648ce3d020106082a8648ce3d030107": { namedCurve: "P-256", length: 32 },
  "06072a8648ce3d020106052b81040022": { namedCurve: "P-384", length: 48 },
  "06072a8648ce3d020106052b81040023": { namedCurve: "P-521", length: 66 },
};

/** RFC 8017 appendix A.2.4; some leave out the NULL. */
function pkcs1(last: string, hash: Hash): Record<string, Way> {
  const way = { by: "RSASSA-PKCS1-v1_5", hash } as const;
  return { [`${RSA}${last}0500`]: way, [`${RSA}${last}`]: way };
}

/** RSASSA-PSS-params (RFC 8017 appendix A.2.3): one hash throughout, and a salt as long. */
function pss(last: string, salt: number): string {
  const hash = `300d06096086480165030402${last}0500`;
  return `${RSA}0a3034a00f${hash}a11c301a06092a864886f70d010108${hash}a2030201${salt.toString(16)}`;
}

/**
 * Whether the key of this SubjectPublicKeyInfo made the signature; null where the algorithm is not taken, or not from such a key: nothing is known then.
 * `algorithm` is the content of an AlgorithmIdentifier.
 */
export async function isSignedBy(keyInfo: Bytes, algorithm: Bytes, message: Bytes, signature: Bytes): Promise<boolean | null> {
  const way = SIGNATURES[hex(algorithm)];
  const fields = only(keyInfo, TAG.sequence);
  const kind = hex(fields.expect(TAG.sequence).content);
  const curve = CURVES[kind];
  if (!way) return null;
  if (way.by === "Ed25519") {
    const key = fields.expect(TAG.bits).content;
    return kind === ED25519 && key.length === 33 ? verifyEd25519(key.slice(1), signature.slice(), message) : null;
  }
  if (way.by === "ECDSA" ? !curve : kind !== RSA_KEY) return null;
  const key = await imported(keyInfo, way.by === "ECDSA" ? { name: way.by, namedCurve: curve?.namedCurve ?? "" } : { name: way.by, hash: way.hash });
  if (!key) return null;
  if (way.by === "ECDSA") {
    const halves = joined(signature, curve?.length ?? 0);
    return halves !== null && crypto.subtle.verify({ name: way.by, hash: way.hash }, key, halves, message);
  }
  const { modulusLength } = key.algorithm as RsaKeyAlgorithm;
  // The least that counts (NIST SP 800-131A, RGS annex B1), and the most that the other side takes.
  if (modulusLength < 2048) return null;
  return modulusLength <= 8192 && crypto.subtle.verify({ name: way.by, saltLength: way.by === "RSA-PSS" ? way.saltLength : 0 }, key, signature, message);
}

async function imported(keyInfo: Bytes, algorithm: EcKeyImportParams | RsaHashedImportParams): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("spki", keyInfo, algorithm, false, ["verify"]);
  } catch {
    return null;
  }
}

/** ECDSA-Sig-Value (RFC 5480 appendix A) as WebCrypto has it: both numbers, each of that length. Null where it is none. */
function joined(signature: Bytes, length: number): Bytes | null {
  try {
    const outside = new Reader(signature);
    const numbers = inside(outside.expect(TAG.sequence));
    outside.end();
    const halves = [numbers.unsigned(), numbers.unsigned()];
    numbers.end();
    if (halves.some((half) => half.length > length)) return null;
    return concat(...halves.flatMap((half) => [new Uint8Array(length - half.length), half]));
  } catch {
    return null;
  }
}
