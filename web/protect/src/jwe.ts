// Messages to a session's key: compact JWE (RFC 7516), ECDH-ES with A256GCM, and nothing else.
import { type Bytes, Fields, fromBase64url, fromUtf8, utf8 } from "@sceau/crypto/envelope";
import { concatKdf } from "./concat-kdf.js";
import { malformed, reading, unproven } from "./errors.js";

const LONGEST = 16 * 1024;
/** What would change how a message is read, or bring a key along. Any other member that is not known is passed over (RFC 7516 section 4). */
const REFUSED = ["crit", "zip", "p2s", "p2c", "jwk", "jku", "x5u", "x5c"];

/** A key that messages are agreed with. */
export interface Agreement {
  readonly privateKey: CryptoKey;
  readonly kty: "EC" | "OKP";
  readonly crv: "P-256" | "X25519";
}

/** The plaintext of a message of this type to this key. */
export async function decrypt(message: string, typ: string, key: Agreement): Promise<Bytes> {
  const { header, epk, partyU, partyV, iv, sealed } = reading("data_key", () => parse(message, typ, key));
  let shared: ArrayBuffer;
  try {
    const algorithm = key.kty === "EC" ? { name: "ECDH", namedCurve: key.crv } : { name: key.crv };
    const theirs = await crypto.subtle.importKey("jwk", epk, algorithm, false, []);
    shared = await crypto.subtle.deriveBits({ name: algorithm.name, public: theirs }, key.privateKey, 256);
  } catch (cause) {
    throw malformed("epk", cause);
  }
  const raw = await concatKdf({ shared: new Uint8Array(shared), algorithm: "A256GCM", partyU, partyV, length: 32 });
  const content = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  raw.fill(0);
  const gcm = { name: "AES-GCM", iv, additionalData: utf8(header) };
  const plain = await crypto.subtle.decrypt(gcm, content, sealed).catch(() => {
    throw unproven("it is not encrypted to this session's key");
  });
  return new Uint8Array(plain);
}

interface Message {
  readonly header: string; // as it came, which is authenticated
  readonly epk: JsonWebKey;
  readonly partyU: Bytes;
  readonly partyV: Bytes;
  readonly iv: Bytes; // 12 bytes
  readonly sealed: Bytes; // with its tag
}

function parse(message: string, typ: string, key: Agreement): Message {
  if (message.length > LONGEST) throw malformed("a JWE that is too long");
  const [header, encryptedKey, iv, ciphertext, tag, ...more] = message.split(".");
  if (header === undefined || encryptedKey !== "" || iv === undefined || ciphertext === undefined || tag === undefined || more.length > 0) {
    throw malformed("not a compact JWE of a key that was agreed");
  }
  const said = Fields.parse(fromBase64url(header), "bad_encoding");
  if (REFUSED.some((name) => said.holds(name))) throw malformed("a header that demands what is not done here");
  if (said.text("alg") !== "ECDH-ES" || said.text("enc") !== "A256GCM" || said.text("typ") !== typ) throw malformed("alg, enc or typ");
  const epk = said.object("epk").only("kty", "crv", "x", "y").texts();
  if (epk["kty"] !== key.kty || epk["crv"] !== key.crv) throw malformed("epk is of another curve");
  const party = (name: string): Bytes => (said.has(name) ? said.bytes(name) : new Uint8Array(0));
  const [vector, end] = [fromBase64url(iv), fromBase64url(tag)];
  if (vector.length !== 12 || end.length !== 16) throw malformed("iv or tag");
  const body = fromBase64url(ciphertext);
  const sealed = new Uint8Array(body.length + end.length);
  sealed.set(body);
  sealed.set(end, body.length);
  return { header, epk, partyU: party("apu"), partyV: party("apv"), iv: vector, sealed };
}

/** JSON of a plaintext, which is overwritten. */
export function json(plain: Bytes): Fields {
  const said = reading("data_key", () => Fields.parse(fromUtf8(plain), "bad_encoding"));
  plain.fill(0);
  return said;
}
