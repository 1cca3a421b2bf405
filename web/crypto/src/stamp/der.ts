// DER as it stands in the bytes (X.690): elements, read one after the other. The rules are those of crates/pki/src/reader.rs. Nothing here recurses, so depth is
// that of the code that reads. An ASN.1 library was weighed: pkijs with asn1js adds some 90 kB to the page, compressed, where this folder adds 6; and it reads BER,
// of which we want nothing.
import type { Bytes } from "../bytes";

export const TAG = {
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, numeric: 0x12, printable: 0x13, ia5: 0x16, utcTime: 0x17, time: 0x18,
  visible: 0x1a, bmp: 0x1e, sequence: 0x30, set: 0x31, zero: 0xa0, one: 0xa1, two: 0xa2, three: 0xa3,
} as const;

/** One element: its tag, what is in it, and all of it. */
export interface Element {
  readonly tag: number;
  readonly content: Bytes;
  readonly whole: Bytes;
}

/** The bytes are not the DER that was expected here. */
export class NotDer extends Error {}

export class Reader {
  #rest: Bytes;
  constructor(bytes: Bytes) {
    this.#rest = bytes;
  }

  get empty(): boolean {
    return this.#rest.length === 0;
  }
  /** The tag of the next element. */
  peek(): number | undefined {
    return this.#rest[0];
  }

  /** The next element (X.690 §8.1, §10.1): a tag of one octet, a definite length in the fewest octets, at most four. */
  element(): Element {
    const bytes = this.#rest;
    const [tag, first] = bytes;
    if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new NotDer();
    let length = first;
    let head = 2;
    if (first >= 0x80) {
      head += first & 0x7f;
      if (head < 3 || head > 6 || head > bytes.length || bytes[2] === 0) throw new NotDer();
      length = bytes.subarray(2, head).reduce((sum, octet) => sum * 256 + octet, 0);
      if (length < 0x80) throw new NotDer();
    }
    if (length > bytes.length - head) throw new NotDer();
    this.#rest = bytes.subarray(head + length);
    return { tag, content: bytes.subarray(head, head + length), whole: bytes.subarray(0, head + length) };
  }
  expect(tag: number): Element {
    const element = this.element();
    if (element.tag !== tag) throw new NotDer();
    return element;
  }
  /** The next element if it has this tag. */
  optional(tag: number): Element | undefined {
    return this.peek() === tag ? this.element() : undefined;
  }
  /** Nothing may follow. */
  end(): void {
    if (!this.empty) throw new NotDer();
  }

  /** The octets of an INTEGER that is not negative, without the zero that says so. */
  unsigned(): Bytes {
    const { content } = this.expect(TAG.integer);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw new NotDer();
    if (first !== 0) return content;
    if (second !== undefined && second < 0x80) throw new NotDer();
    return content.subarray(1);
  }
}

/** What is inside of an element. */
export const inside = (element: Element): Reader => new Reader(element.content);

/** What is inside of the one element that there is. */
export function only(bytes: Bytes, tag: number): Reader {
  const outside = new Reader(bytes);
  const element = outside.expect(tag);
  outside.end();
  return inside(element);
}

const MAX_ARC = 1n << 128n;

/** An OBJECT IDENTIFIER with dots. None of its numbers is padded or beyond 128 bits, which those made from a UUID have (X.667 §7). */
export function dotted(content: Bytes): string {
  const arcs: bigint[] = [];
  let arc: bigint | undefined;
  for (const octet of content) {
    if (arc === undefined && octet === 0x80) throw new NotDer();
    const value: bigint = (arc ?? 0n) * 128n + BigInt(octet & 0x7f);
    if (value >= MAX_ARC) throw new NotDer();
    arc = octet & 0x80 ? value : undefined;
    if (arc === undefined) arcs.push(value);
  }
  const [first, ...rest] = arcs;
  if (arc !== undefined || first === undefined) throw new NotDer();
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join(".");
}

/** UTCTime or GeneralizedTime of a certificate (RFC 5280 §4.1.2.5), in unix milliseconds. */
export function timeOf({ tag, content }: Element): number {
  const text = String.fromCharCode(...content.subarray(0, 20));
  if (!text.endsWith("Z") || (tag !== TAG.utcTime && tag !== TAG.time)) throw new NotDer();
  const century = tag === TAG.time ? "" : Number(text.slice(0, 2)) >= 50 ? "19" : "20";
  return momentOf(century + text.slice(0, -1));
}

/** `YYYYMMDDhhmmss` in unix milliseconds. */
export function momentOf(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (!parts) throw new NotDer();
  const spelled = `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}.000Z`;
  const moment = Date.parse(spelled);
  // A 30th of February would be taken for a day of March.
  if (Number.isNaN(moment) || new Date(moment).toISOString() !== spelled) throw new NotDer();
  return moment;
}
