// As much of X.509 (RFC 5280 section 4.1) as tells a provider by its key: the SubjectPublicKeyInfo of a certificate that the security officer named. The officer's
// signature over the whole document says that it is its own; nothing else of it is believed here, and its end is the element's to judge.
import type { Bytes } from "./bytes";
import { TerminalError } from "./errors";

interface Element {
  readonly tag: number;
  readonly whole: Bytes;
  readonly content: Bytes;
  readonly after: Bytes;
}

/** One value of DER (X.690 section 8.1): definite lengths of at most two bytes. */
function read(der: Bytes): Element {
  const [tag, first] = der;
  if (tag === undefined || first === undefined) throw malformed();
  let length = first;
  let at = 2;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes < 1 || bytes > 2) throw malformed();
    length = der.slice(2, 2 + bytes).reduce((sum, byte) => sum * 256 + byte, 0);
    at += bytes;
  }
  if (at + length > der.length) throw malformed();
  return { tag, whole: der.slice(0, at + length), content: der.slice(at, at + length), after: der.slice(at + length) };
}

const malformed = (): TerminalError => new TerminalError("terminal_damaged", "a certificate cannot be read");
const SEQUENCE = 0x30;

/** The SubjectPublicKeyInfo of a certificate, DER. Throws `terminal_damaged`. */
export function spkiOf(certificate: Bytes): Bytes {
  let rest = read(read(certificate).content).content; // TBSCertificate
  if (rest[0] === 0xa0) rest = read(rest).after; // version
  // serial number, signature, issuer, validity, subject
  for (let skipped = 0; skipped < 5; skipped += 1) rest = read(rest).after;
  const spki = read(rest);
  if (spki.tag !== SEQUENCE) throw malformed();
  return spki.whole;
}

/** When a certificate ends, as its notAfter says. */
export function endOf(certificate: Bytes): string {
  let rest = read(read(certificate).content).content;
  if (rest[0] === 0xa0) rest = read(rest).after;
  for (let skipped = 0; skipped < 3; skipped += 1) rest = read(rest).after;
  const end = read(read(read(rest).content).after);
  const text = String.fromCharCode(...end.content);
  // UTCTime has two digits of the year (RFC 5280 section 4.1.2.5.1).
  const year = end.tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text.slice(0, 2)}` : text.slice(0, 4);
  const tail = text.slice(end.tag === 0x17 ? 2 : 4);
  return `${year}-${tail.slice(0, 2)}-${tail.slice(2, 4)}`;
}
