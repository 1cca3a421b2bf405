// A keyring comes to another terminal: the code that one terminal shows and the other is told, what comes of it, and the short code that both show. Rules of
// crates/keyring/src/roam.rs. The element is given what proves the code, and what it is found by; what opens the new terminal's part, and what both screens show, come of
// the code alone, and the element has neither.
import { type Bytes, fromHex, hex, same, utf8, uuidBytes } from "./bytes";
import { factorOf, ROAMING_LENGTH } from "./factors";
import { deriveFor, hashOf, mac } from "./labels";
import { stretched } from "./stretching";

/** What comes of a roaming code, 32 bytes each. */
export interface RoamingKeys {
  /** What proves it to the element, and the element to who has it. */
  readonly proof: Bytes;
  /** What the new terminal opens its part with, beside the PIN, until its first use. */
  readonly secret: Bytes;
  /** What the short code is made of. Who has it alone opens and proves nothing. */
  readonly short: Bytes;
}

/** Draws a code: it is good for minutes, and for one terminal. */
export const drawRoamingCode = (): Bytes => factorOf(crypto.getRandomValues(new Uint8Array(ROAMING_LENGTH)));

/** Before the code in its picture, so that who scans it knows what it is. */
export const PICTURE_PREFIX = "SCEAU:ROAM:";

export function roamingKeys(code: Bytes): RoamingKeys {
  const key = (what: string): Bytes => deriveFor("sceau/kr-roam", code, [utf8(what)]);
  return { proof: key("proof"), secret: key("secret"), short: key("short") };
}

/** What the code is found by, hexadecimal. */
export const placeOf = (proof: Bytes): string => hex(hashOf("sceau/kr-roam", utf8("place"), proof));

/** The proof of a terminal that it has the code: in the context of this nonce, sealed to this key of the element's (its id, hexadecimal), under the key of this thumbprint. */
export const proofOfTerminal = (proof: Bytes, nonce: Bytes, channel: string, thumbprint: Bytes): Bytes =>
  mac(proof, utf8("terminal"), nonce, fromHex(channel), thumbprint);

/** The element's proof that it has it too, over what it answers. */
export const proofOfElement = (proof: Bytes, nonce: Bytes, channel: string, keyring: string, terminal: string): Bytes =>
  mac(proof, utf8("element"), nonce, fromHex(channel), uuidBytes(keyring), uuidBytes(terminal));

export const isProofOfElement = (given: Bytes, ...of: Parameters<typeof proofOfElement>): boolean => same(given, proofOfElement(...of));

/**
 * What both terminals show of the one whose key has this thumbprint: 8 characters. It takes the time of a PIN's stretching: who has the code and wants another key to show the
 * same has to find one among 2^40 at that price, within the minutes that the code is good.
 */
export async function shortCode(short: Bytes, thumbprint: Bytes): Promise<Bytes> {
  const seed = deriveFor("sceau/kr-roam", short, [utf8("shown"), thumbprint]);
  try {
    return factorOf(await stretched(seed));
  } finally {
    seed.fill(0);
  }
}
