// A certificate as it was sent (RFC 5280 §4.1): read, not believed.
import { type Bytes, equal, hex } from "../bytes";
import { type Element, inside, NotDer, only, Reader, TAG, timeOf } from "./der";
import { nameText } from "./name";

export interface Certificate {
  readonly der: Bytes;
  /** The octets of its number. */
  readonly serial: Bytes;
  /** Names: all of their DER. */
  readonly issuer: Bytes;
  readonly subject: Bytes;
  /** Its subject as people read it (RFC 4514). */
  readonly holder: string;
  readonly notBefore: number; // unix milliseconds
  readonly notAfter: number; // its last second counts whole
  /** SubjectPublicKeyInfo. */
  readonly key: Bytes;
  /** What its issuer signed, by which AlgorithmIdentifier (its content), and how. */
  readonly signed: Bytes;
  readonly algorithm: Bytes;
  readonly signature: Bytes;
  /** By the hexadecimal of their numbers. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Of version 3, of one word on its algorithm, no extension twice, and without the ids that RFC 5280 §4.1.2.8 wants nobody to write. Else no way goes through it. */
  readonly usual: boolean;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Bytes;
}

/** id-ce, and some of what is under it (RFC 5280 §4.2.1). */
export const ID_CE = "551d";
const KEY_USAGE = `${ID_CE}0f`;
export const ALTERNATIVE_NAMES = `${ID_CE}11`;
const BASIC_CONSTRAINTS = `${ID_CE}13`;
export const NAME_CONSTRAINTS = `${ID_CE}1e`;
const PURPOSES = `${ID_CE}25`;
/** id-kp-timeStamping (RFC 3161 §2.3). */
const TIME_STAMPING = "2b06010505070308";

/** Bits of KeyUsage, in its first octet (RFC 5280 §4.2.1.3). */
export const SIGNS = 0x80 | 0x40;
export const SIGNS_CERTIFICATES = 0x04;

export function readCertificate(der: Bytes): Certificate {
  const outside = only(der, TAG.sequence);
  const signed = outside.expect(TAG.sequence);
  const algorithm = outside.expect(TAG.sequence);
  const signature = bits(outside.expect(TAG.bits));
  outside.end();
  const fields = inside(signed);
  const version = fields.optional(TAG.zero);
  const serial = fields.expect(TAG.integer).content;
  const inner = fields.expect(TAG.sequence);
  const issuer = fields.expect(TAG.sequence).whole;
  const validity = inside(fields.expect(TAG.sequence));
  const [notBefore, notAfter] = [timeOf(validity.element()), timeOf(validity.element())];
  validity.end();
  const subject = fields.expect(TAG.sequence).whole;
  const key = fields.expect(TAG.sequence).whole;
  const ids = [fields.optional(0x81), fields.optional(0x82)].some((id) => id !== undefined);
  const extensions = new Map<string, Extension>();
  let twice = false;
  const listed = fields.optional(TAG.three);
  if (listed) {
    for (const all = only(listed.content, TAG.sequence); !all.empty; ) {
      const [name, extension] = readExtension(all.expect(TAG.sequence));
      twice ||= extensions.has(name);
      extensions.set(name, extension);
    }
  }
  fields.end();
  nameText(issuer); // must read as a name
  const third = version !== undefined && hex(version.content) === "020102";
  const usual = third && !ids && !twice && equal(inner.content, algorithm.content) && notBefore <= notAfter;
  return {
    der, serial, issuer, subject, holder: nameText(subject), notBefore, notAfter, key, signed: signed.whole, algorithm: algorithm.content, signature, extensions, usual,
  };
}

/** An Extension: the hexadecimal of its number, and what it says. */
export function readExtension(element: Element): [string, Extension] {
  const fields = inside(element);
  const name = hex(fields.expect(TAG.oid).content);
  const said = fields.optional(TAG.boolean);
  const critical = said !== undefined && flag(said);
  const value = fields.expect(TAG.octets).content;
  fields.end();
  return [name, { critical, value }];
}

/** What a list of names or numbers in one extension says; undefined where there is none of it. Throws {@link NotDer}. */
function listOf(certificate: Certificate, name: string): Reader | undefined {
  const extension = certificate.extensions.get(name);
  return extension && only(extension.value, TAG.sequence);
}

/** Whether it says what its key is for, and none of these bits is among that. */
export function mayNot(certificate: Certificate, use: number): boolean {
  const extension = certificate.extensions.get(KEY_USAGE);
  if (!extension) return false;
  const outside = new Reader(extension.value);
  const { content } = outside.expect(TAG.bits);
  outside.end();
  return ((content[1] ?? 0) & use) === 0;
}

/** How many authorities may stand below one, or none where it is no authority. */
export function authorityOver(certificate: Certificate): number | null {
  const fields = listOf(certificate, BASIC_CONSTRAINTS);
  const said = fields?.optional(TAG.boolean);
  if (!fields || !said || !flag(said)) return null;
  if (fields.empty) return Infinity;
  const most = fields.unsigned();
  fields.end();
  if (most.length > 1) throw new NotDer();
  return most[0] ?? 0;
}

/** The purposes that it names; undefined where it names none. */
function purposesOf(certificate: Certificate): string[] | undefined {
  const fields = listOf(certificate, PURPOSES);
  if (!fields) return undefined;
  const found: string[] = [];
  while (!fields.empty) found.push(hex(fields.expect(TAG.oid).content));
  return found;
}

/** Whether an authority leaves time stamps to those below it: it names no purpose, or this among them. */
export function allowsStamps(certificate: Certificate): boolean {
  return purposesOf(certificate)?.includes(TIME_STAMPING) ?? true;
}

/** Whether it says of itself: for time stamps and nothing else, critical (RFC 3161 §2.3), with a key that signs, and no authority. */
export function isForStampsAlone(certificate: Certificate): boolean {
  const alone = purposesOf(certificate)?.every((one) => one === TIME_STAMPING) ?? false;
  const critical = certificate.extensions.get(PURPOSES)?.critical ?? false;
  return alone && allowsStamps(certificate) && critical && !mayNot(certificate, SIGNS) && authorityOver(certificate) === null;
}

/** Whether there is a critical extension whose last number under id-ce is none of these (RFC 5280 §4.2). */
export function isStrange(certificate: Certificate, known: readonly number[]): boolean {
  const understood = known.map((number) => ID_CE + hex(Uint8Array.of(number)));
  return [...certificate.extensions].some(([name, { critical }]) => critical && !understood.includes(name));
}

function flag({ content }: Element): boolean {
  const [octet, ...more] = content;
  if (more.length > 0 || (octet !== 0 && octet !== 0xff)) throw new NotDer();
  return octet === 0xff;
}

/** Of whole octets. */
function bits({ content }: Element): Bytes {
  if (content[0] !== 0) throw new NotDer();
  return content.subarray(1);
}
