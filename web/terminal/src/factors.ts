// Factors: codes that people type. Those of an activation, which a registration authority hands over, and how terminal and element prove to each other that they have them. Rules of crates/keyring/src/factors.rs.
import { type Bytes, concat, fromHex, fromUtf8, same, utf8, uuidBytes } from "./bytes";
import { TerminalError } from "./errors";
import { deriveFor, mac, sha256 } from "./labels";

/** Crockford's digits: none of them is taken for another. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const CODE_LENGTH = 20;
export const SECOND_LENGTH = 16;
/** A roaming code: 120 bits. */
export const ROAMING_LENGTH = 24;
/** What both terminals show: 40 bits. */
export const SHORT_LENGTH = 8;

export interface Factors {
  readonly code: Bytes;
  readonly second: Bytes | null;
}

/** Reads a factor as people type it: in either case, with or without hyphens and blanks. Throws `factor_malformed`. */
export function parseFactor(typed: string, length: number): Bytes {
  const digits = typed.replaceAll(/[- \n\r]/g, "").toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  if (digits.length !== length || Array.from(digits).some((digit) => !DIGITS.includes(digit))) {
    throw new TerminalError("factor_malformed", `it has ${length} letters and digits, without U; I and L are read as 1, O as 0`);
  }
  return utf8(digits);
}

/** The factor that these bytes say, 5 bits of each: 256 is a multiple of 32, so that no digit is likelier than another. */
export const factorOf = (bytes: Uint8Array): Bytes => utf8(Array.from(bytes, (byte) => DIGITS[byte % 32] ?? "0").join(""));

/** As it is handed over: in groups of four. */
export const shownFactor = (factor: Bytes): string => fromUtf8(factor).replaceAll(/.{4}(?=.)/g, "$&-");

const together = ({ code, second }: Factors): Bytes => concat(code, second ?? new Uint8Array(0));

function proof(secret: Bytes, keyring: string, ...parts: Uint8Array[]): Bytes {
  return mac(deriveFor("sceau/kr-activate", secret, [utf8(keyring)]), ...parts);
}

/** A terminal's proof that it has the code, in the context of this nonce, under the key of this thumbprint. */
export const firstProof = (code: Bytes, keyring: string, nonce: Bytes, thumbprint: Bytes): Bytes => proof(code, keyring, utf8("begin"), nonce, thumbprint);

/** The same of both; none where there is no second one. */
export const secondProof = (factors: Factors, keyring: string, nonce: Bytes, thumbprint: Bytes): Bytes | null =>
  factors.second === null ? null : proof(together(factors), keyring, utf8("second"), nonce, thumbprint);

/** What the element answers to a terminal that has the code, and as whom. */
export interface Reply {
  /** The id of its channel key, and hashes: hexadecimal. */
  readonly channel: string;
  readonly word: string;
  readonly identity: string;
  readonly policy: string;
  readonly access: Bytes;
  readonly terminal: string;
  readonly key: Bytes;
  readonly response: Bytes;
}

/** The element's proof that it has the factors too, over all that it answers. */
export function answerProof(factors: Factors, keyring: string, nonce: Bytes, reply: Reply): Bytes {
  const fixed = [fromHex(reply.channel), fromHex(reply.identity), fromHex(reply.policy), uuidBytes(reply.terminal)];
  const hashed = [utf8(reply.word), reply.access, reply.key, reply.response].map((part) => sha256(part));
  return proof(together(factors), keyring, utf8("reply"), nonce, ...fixed, ...hashed);
}

export const isAnswerProof = (given: Bytes, factors: Factors, keyring: string, nonce: Bytes, reply: Reply): boolean =>
  same(given, answerProof(factors, keyring, nonce, reply));
