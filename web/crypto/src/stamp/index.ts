// Time stamps of an authority (RFC 3161), judged as crates/pki/src/stamp does: a token says that the bytes with this hash existed at that time, on the word of an
// authority whose certificate is for that alone. Whether the certificate was revoked since is not asked of anybody.
import { type Bytes, concat, equal, hex } from "../bytes";
import { SceauError } from "../errors";
import type { Anchors } from "./anchors";
import { type Certificate, readCertificate } from "./certificate";
import { inside, NotDer, TAG } from "./der";
import { digest, hashNamed, isSignedBy } from "./signature";
import { type CertificateHash, KEY_ID, readToken, type SignerInfo, type Token } from "./token";
import { vouchedFor } from "./way";

export { type Anchors, readAnchors } from "./anchors";

/** A time stamp that holds. */
export interface TimeStamp {
  /** When the bytes existed, in unix milliseconds, by the authority's clock. */
  readonly time: number;
  /** Who says so: the subject of the signer's certificate (RFC 4514). */
  readonly signer: string;
  /** The policy under which the authority made it, as a number with dots. */
  readonly policy: string;
  /** Its number at the authority, in hexadecimal. */
  readonly serial: string;
}

/** The longest token that is read, and the most certificates of it that are looked at. */
const LONGEST = 64 << 10;
const MOST = 8;
const SHA256 = "608648016503040201";
/** rsaEncryption, which in a SignerInfo leaves the hash to the digest algorithm; and what says both (RFC 8017 appendix A.2.4). */
const RSA = "06092a864886f70d010101";
const RSA_WITH = { "SHA-256": 0x0b, "SHA-384": 0x0c, "SHA-512": 0x0d } as const;

/** Verifies a token of the bytes with this SHA-256. Throws a {@link SceauError} whose code begins with `stamp.`. */
export async function verifyStamp(token: Bytes, imprint: Bytes, anchors: Anchors): Promise<TimeStamp> {
  if (token.length > LONGEST) throw new SceauError("stamp.too_long");
  try {
    return await believed(readToken(token), imprint, anchors);
  } catch (cause) {
    if (cause instanceof NotDer) throw new SceauError("stamp.malformed", "", { cause });
    throw cause;
  }
}

async function believed(token: Token, imprint: Bytes, anchors: Anchors): Promise<TimeStamp> {
  const { info, signer } = token;
  if (hex(info.imprintHash) !== SHA256 || !equal(info.imprint, imprint)) throw new SceauError("stamp.another_imprint");
  const hash = hashNamed(signer.digest);
  if (!hash) throw new SceauError("stamp.algorithm", "digest");
  if (!equal(await digest(hash, token.content), signer.messageDigest)) throw new SceauError("stamp.false_signature", "message digest");
  const certificate = await signerOf(token);
  if (!certificate || !isNamed(signer, certificate)) throw new SceauError("stamp.unknown_signer");
  const made = await isSignedBy(certificate.key, wholeAlgorithm(signer), signer.message, signer.signature);
  if (made === null) throw new SceauError("stamp.algorithm");
  if (!made) throw new SceauError("stamp.false_signature");
  const brought = token.certificates.slice(0, MOST).flatMap((der) => read(der) ?? []);
  const found = await vouchedFor(certificate, brought, anchors, info.time);
  if (found === "none") throw new SceauError("stamp.unauthorised");
  if (found === "other_time") throw new SceauError("stamp.signer_not_valid");
  return { time: info.time, signer: certificate.holder, policy: info.policy, serial: info.serial };
}

/** The certificate that the token is signed for, among those that came along. */
async function signerOf({ signer, certificates }: Token): Promise<Certificate | undefined> {
  for (const der of certificates.slice(0, MOST)) {
    if (signer.certificate && (await names(signer.certificate, der))) return read(der);
  }
  return undefined;
}

async function names({ by, said }: CertificateHash, der: Bytes): Promise<boolean> {
  const hash = by === "SHA-1" ? by : by.hash === undefined ? "SHA-256" : hashNamed(by.hash);
  return hash !== undefined && equal(await digest(hash, der), said);
}

/** Whether it is the one that stands beside the signature too (RFC 5652 §5.3): that is not signed, but who reads it alone must come to the same certificate. */
function isNamed({ named }: SignerInfo, certificate: Certificate): boolean {
  if (named.tag === KEY_ID) return true;
  try {
    const fields = inside(named);
    return equal(fields.expect(TAG.sequence).whole, certificate.issuer) && equal(fields.expect(TAG.integer).content, certificate.serial);
  } catch {
    return false;
  }
}

/** As certificates have it. */
function wholeAlgorithm({ algorithm, digest }: SignerInfo): Bytes {
  const hash = hashNamed(digest);
  return hash && hex(algorithm).startsWith(RSA) ? concat(algorithm.slice(0, 10), Uint8Array.of(RSA_WITH[hash], 5, 0)) : algorithm;
}

function read(der: Bytes): Certificate | undefined {
  try {
    return readCertificate(der);
  } catch {
    return undefined;
  }
}
