// A token as it was sent (RFC 3161 §2.4.2, RFC 5652 §5): read, not believed. The rules are those of crates/pki/src/stamp/token.rs and crates/pki/src/cms/info.rs.
import { type Bytes, hex } from "../bytes";
import { readExtension } from "./certificate";
import { dotted, type Element, inside, momentOf, NotDer, only, Reader, TAG } from "./der";

/** A TimeStampToken. */
export interface Token {
  /** The DER of a TSTInfo, which is what is signed. */
  readonly content: Bytes;
  readonly info: Info;
  /** The DER of each. */
  readonly certificates: readonly Bytes[];
  readonly signer: SignerInfo;
}

/** TSTInfo, as far as it is looked at. */
export interface Info {
  readonly policy: string; // with dots
  readonly imprintHash: Bytes; // the number of a hash
  readonly imprint: Bytes;
  readonly serial: string; // hexadecimal
  readonly time: number; // unix milliseconds
}

/** The one signer of a message (RFC 5652 §5.3), with signed attributes. */
export interface SignerInfo {
  /** Who it says it is: issuer and serial number, or the name of its key. The certificate that it signs for is what counts. */
  readonly named: Element;
  readonly digest: Bytes; // the number of a hash
  /** What is signed: the attributes as a SET (RFC 5652 §5.4). */
  readonly message: Bytes;
  readonly messageDigest: Bytes;
  readonly certificate: CertificateHash | undefined;
  readonly algorithm: Bytes; // the content of an AlgorithmIdentifier
  readonly signature: Bytes;
}

/** By which the signer's certificate is known among those that came along: ESSCertID, of SHA-1, or ESSCertIDv2, of SHA-256 where it names no hash (RFC 5035 §4). */
export interface CertificateHash {
  readonly by: "SHA-1" | { readonly hash: Bytes | undefined };
  readonly said: Bytes;
}

const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";
const CONTENT_TYPE = "2a864886f70d010903";
const MESSAGE_DIGEST = "2a864886f70d010904";
const SIGNING_CERTIFICATE = "2a864886f70d010910020c";
const SIGNING_CERTIFICATE_V2 = "2a864886f70d010910022f";
/** `[0] IMPLICIT OCTET STRING`: a signer named by its key. */
export const KEY_ID = 0x80;

/** Throws {@link NotDer}. */
export function readToken(der: Bytes): Token {
  const outside = only(der, TAG.sequence);
  mustBe(outside.expect(TAG.oid), SIGNED_DATA);
  const signed = inside(explicit(outside.expect(TAG.zero), TAG.sequence));
  outside.end();
  signed.unsigned();
  signed.expect(TAG.set);
  const encapsulated = inside(signed.expect(TAG.sequence));
  mustBe(encapsulated.expect(TAG.oid), TST_INFO);
  const { content } = explicit(encapsulated.expect(TAG.zero), TAG.octets);
  encapsulated.end();
  const certificates: Bytes[] = [];
  const brought = signed.optional(TAG.zero);
  for (const all = brought && inside(brought); all && !all.empty; ) {
    const one = all.element();
    // Other forms of certificates (RFC 5652 §10.2.2) are nobody's signer here.
    if (one.tag === TAG.sequence) certificates.push(one.whole);
  }
  signed.optional(TAG.one);
  const signers = inside(signed.expect(TAG.set));
  signed.end();
  const signer = readSigner(inside(signers.expect(TAG.sequence)));
  signers.end(); // one and no other (RFC 3161 §2.4.2)
  return { content, info: readInfo(content), certificates, signer };
}

function readInfo(content: Bytes): Info {
  const fields = only(content, TAG.sequence);
  if (hex(fields.unsigned()) !== "01") throw new NotDer();
  const policy = dotted(fields.expect(TAG.oid).content);
  const hashed = inside(fields.expect(TAG.sequence));
  const imprintHash = inside(hashed.expect(TAG.sequence)).expect(TAG.oid).content;
  const imprint = hashed.expect(TAG.octets).content;
  hashed.end();
  const serial = hex(fields.unsigned());
  const time = moment(fields.expect(TAG.time).content);
  fields.optional(TAG.sequence); // accuracy
  fields.optional(TAG.boolean); // ordering
  if (fields.peek() === TAG.integer) fields.unsigned(); // nonce
  fields.optional(TAG.zero); // a hint at who it is
  const extensions = fields.optional(TAG.one);
  for (const all = extensions && inside(extensions); all && !all.empty; ) {
    const [, { critical }] = readExtension(all.expect(TAG.sequence));
    if (critical) throw new NotDer(); // one that nobody knows
  }
  fields.end();
  return { policy, imprintHash, imprint, serial, time };
}

/** A GeneralizedTime with or without a fraction of a second (RFC 3161 §2.4.2), in unix milliseconds. */
function moment(content: Bytes): number {
  const parts = /^(\d{14})(?:\.(\d{1,9}))?Z$/.exec(String.fromCharCode(...content.subarray(0, 32)));
  const whole = momentOf(parts?.[1] ?? "");
  if (whole < 0) throw new NotDer();
  return whole + Number((parts?.[2] ?? "").padEnd(3, "0").slice(0, 3));
}

function readSigner(fields: Reader): SignerInfo {
  fields.unsigned();
  const named = fields.element();
  if (named.tag !== TAG.sequence && named.tag !== KEY_ID) throw new NotDer();
  const digest = inside(fields.expect(TAG.sequence)).expect(TAG.oid).content;
  const attributes = fields.expect(TAG.zero);
  const algorithm = fields.expect(TAG.sequence).content;
  const signature = fields.expect(TAG.octets).content;
  const unsigned = fields.optional(TAG.one);
  fields.end();
  if (unsigned) readAttributes(unsigned);
  const signed = readAttributes(attributes);
  const kind = alone(signed, CONTENT_TYPE);
  const hashed = alone(signed, MESSAGE_DIGEST);
  // Two words on the same certificate, where both are there: the newer hash counts.
  const [older, newer] = [alone(signed, SIGNING_CERTIFICATE), alone(signed, SIGNING_CERTIFICATE_V2)];
  const first = older && hashOf(older, false);
  const certificate = (newer && hashOf(newer, true)) ?? first;
  if (!kind || !hashed || hex(kind.content) !== TST_INFO) throw new NotDer();
  const message = attributes.whole.slice();
  message[0] = TAG.set;
  return { named, digest, message, messageDigest: hashed.content, certificate, algorithm, signature };
}

interface Attribute {
  readonly kind: string;
  readonly value: Element;
  readonly more: boolean;
}

function readAttributes(set: Element): Attribute[] {
  const found: Attribute[] = [];
  for (const all = inside(set); !all.empty; ) {
    const attribute = inside(all.expect(TAG.sequence));
    const kind = hex(attribute.expect(TAG.oid).content);
    const values = inside(attribute.expect(TAG.set));
    attribute.end();
    const value = values.element();
    found.push({ kind, value, more: !values.empty });
  }
  return found;
}

/** The one value of the one attribute of this kind (RFC 5652 §11.1, §11.2; RFC 5035 §3, §5.4). */
function alone(attributes: readonly Attribute[], kind: string): Element | undefined {
  const [first, ...others] = attributes.filter((one) => one.kind === kind);
  if (others.length > 0 || first?.more) throw new NotDer();
  return first?.value;
}

/** SigningCertificate (RFC 5035 §5.4) or SigningCertificateV2 (§3): the first is the signer's. */
function hashOf(value: Element, newer: boolean): CertificateHash {
  if (value.tag !== TAG.sequence) throw new NotDer();
  const first = inside(inside(inside(value).expect(TAG.sequence)).expect(TAG.sequence));
  const named = newer ? first.optional(TAG.sequence) : undefined;
  const hash = named && inside(named).expect(TAG.oid).content;
  const said = first.expect(TAG.octets).content;
  return { by: newer ? { hash } : "SHA-1", said };
}

/** The one element within an EXPLICIT tag. */
function explicit(outer: Element, tag: number): Element {
  const fields = inside(outer);
  const element = fields.expect(tag);
  fields.end();
  return element;
}

function mustBe({ content }: Element, oid: string): void {
  if (hex(content) !== oid) throw new NotDer();
}
