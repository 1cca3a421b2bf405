// Signature activation data (EN 419241-1): the holder's consent, bound to all that it is about; what opens the terminal's part of the key; and the element's word on it.
// Rules of crates/keyring/src/{sad,unlock,proof}.rs.
import { Fields } from "@sceau/crypto";
import { seal } from "./blob";
import { base64url, type Bytes, concat, hex, utf8, wiped } from "./bytes";
import { TerminalError, unproven } from "./errors";
import { keyOfJwk, verifyJws } from "./jws";
import { deriveFor, hashOf, sha256 } from "./labels";
import { type Asked, descriptionHash, hashesOf, requestHash } from "./request";

/** Where a box belongs. */
export interface Place {
  readonly keyring: string;
  readonly terminal: string;
  /** The key's id, 16 bytes. */
  readonly key: Bytes;
}

const placeBytes = ({ keyring, terminal, key }: Place): Bytes => concat(utf8(keyring), utf8(terminal), key);

/** What the PIN (OPAQUE's export key) and the terminal's secret open together: base64url, as messages have it. */
export function unlockOf(exported: Bytes, secret: Bytes, place: Place): string {
  const both = concat(exported, secret);
  const unlock = deriveFor("sceau/kr-unlock", both, [placeBytes(place)]);
  both.fill(0);
  const text = base64url(unlock);
  unlock.fill(0);
  return text;
}

/** Seals what only who proved the PIN may say, for this context. */
export const sealInner = (session: Bytes, context: Bytes, inner: object): Promise<Bytes> =>
  wiped(deriveFor("sceau/kr-use", session, [context]), (key) => wiped(utf8(JSON.stringify(inner)), (json) => seal(key, "sceau/kr-use", context, json)));

/** The element's side of the PIN, and what the consent must name. */
export interface Challenge {
  readonly ke2: Bytes;
  readonly version: number;
  readonly hash: string;
  readonly policy: string;
  readonly challenge: string;
  /** OPAQUE's RegistrationResponse for the terminal that is to come, where one is. */
  readonly expected: Bytes | null;
}

/** Hash of the three messages by which the PIN was proven. */
export const transcript = (ke1: Bytes, ke2: Bytes, ke3: Bytes): string => hex(hashOf("sceau/kr-use", ke1, ke2, ke3));

/** The one consent to this. */
export const sadOf = (of: {
  place: Place;
  /** Thumbprint of the terminal's key. */
  thumbprint: Bytes;
  asked: Asked;
  challenge: Challenge;
  seq: number;
  opaque: string;
  time: number;
}): object => ({
  v: 1,
  keyring: of.place.keyring,
  key: base64url(of.place.key),
  terminal: base64url(of.thumbprint),
  provider: of.asked.key,
  request: requestHash(of.asked.jws),
  description: descriptionHash(of.asked.request),
  hashes: hashesOf(of.asked.request),
  hash: "SHA-256",
  ...(of.asked.request.algorithm === null ? {} : { algorithm: of.asked.request.algorithm }),
  count: of.asked.request.items.length,
  policy: of.challenge.policy,
  state: { version: of.challenge.version, hash: of.challenge.hash },
  challenge: of.challenge.challenge,
  seq: of.seq,
  opaque: of.opaque,
  time: of.time,
  ends: of.asked.request.ends,
});

/** SHA-256 of each signature, and of these hashes together. Hexadecimal. */
export const signaturesHash = (signatures: readonly Bytes[]): string => hex(sha256(...signatures.map((signature) => sha256(signature))));

/** What is done. */
export interface Used {
  readonly signatures: readonly Bytes[];
  readonly index: number;
  readonly proof: string;
  readonly certificate: string | null;
  readonly chain: readonly string[];
}

/** What the provider is to have of it, as the host takes it; `kept` is the certificate that the terminal has from before. */
export function outcomeOf(used: Used, kept: { readonly certificate: string | null; readonly chain: readonly string[] }): Readonly<Record<string, unknown>> {
  const signed = used.signatures.length > 0;
  const { certificate, chain } = used.certificate === null ? kept : used;
  return {
    signatures: used.signatures.map(base64url),
    proof: used.proof,
    ...(signed && certificate !== null ? { certificate } : {}),
    chain: signed ? chain : [],
    index: used.index,
  };
}

/** Whether the element's word is on this consent, and on these signatures; when it was done, by the element's clock. Throws `unproven`. */
export async function judgeProof(used: Used, of: { asked: Asked; place: Place; word: string; sad: string }): Promise<number> {
  const about = (why: string): TerminalError => unproven(`the proof of the transaction: ${why}`);
  const bytes = await verifyJws(used.proof, "sceau-kr-proof", await keyOfJwk(of.word));
  const { asked, place } = of;
  const { request } = asked;
  try {
    const proof = Fields.parse(bytes, "keyring_malformed");
    const holds =
      proof.integer("v") === 1 &&
      (proof.textOrNull("kind") ?? "sign") === request.kind &&
      proof.text("id") === request.request &&
      proof.hash("request") === requestHash(asked.jws) &&
      proof.text("provider") === request.provider &&
      proof.text("keyring") === request.keyring &&
      proof.textOrNull("nonce") === request.nonce &&
      proof.hash("description") === descriptionHash(request) &&
      JSON.stringify(proof.list("hashes")) === JSON.stringify(hashesOf(request)) &&
      proof.text("terminal") === place.terminal &&
      proof.integer("index") === used.index &&
      proof.has("identity") === asked.told.length > 0 &&
      proof.hash("sad") === hex(sha256(utf8(of.sad))) &&
      proof.hash("signatures") === signaturesHash(used.signatures) &&
      used.signatures.length === request.items.length;
    if (!holds) throw about("it is of something else");
    return proof.integer("time");
  } catch (cause) {
    throw cause instanceof TerminalError ? cause : about("it cannot be read");
  }
}
