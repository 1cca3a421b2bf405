// Signatures: JWS compact (RFC 7515) with Ed25519 (RFC 8037). The header is exactly alg, kid and typ; typ separates the uses of a key.
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, base64url, fromBase64url, hex, sha256, utf8 } from "./bytes";
import { SceauError } from "./errors";

export type JwsType = "sceau-key-statement" | "sceau-decision" | "sceau-record" | "sceau-manifest" | "sceau-intake-word" | "mob-2022-manifest";

/** The kid of an Ed25519 key; for an organisation's root this is its fingerprint. */
export async function fingerprint(publicKey: Bytes): Promise<string> {
  if (publicKey.length !== 32) throw new SceauError("key_malformed", "Ed25519 size");
  return hex(await sha256(utf8("sceau/ed25519\0"), publicKey));
}

/** The exact payload bytes of a JWS of the expected type by this very key. Any other header is refused, byte for byte. */
export async function verifyJws(jws: string, typ: JwsType, publicKey: Bytes): Promise<Bytes> {
  const [header, payload, signature, ...more] = jws.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    throw new SceauError("jws_malformed");
  }
  const kid = await fingerprint(publicKey);
  if (header !== base64url(utf8(`{"alg":"EdDSA","kid":"${kid}","typ":"${typ}"}`))) throw new SceauError("jws_header");
  const bytes = part(payload);
  const valid = await verifyEd25519(publicKey, part(signature), utf8(`${header}.${payload}`));
  if (!valid) throw new SceauError("jws_signature");
  return bytes;
}

/** What a JWS says, before anyone has checked who says it: only to find out which key to check it with. */
export function unverifiedPayload(jws: string): Bytes {
  const payload = jws.split(".")[1];
  if (payload === undefined) throw new SceauError("jws_malformed");
  return part(payload);
}

function part(text: string): Bytes {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new SceauError("jws_malformed", "", { cause });
  }
}

let native: boolean | undefined;

/** RFC 8032 verification, by the browser where it knows Ed25519, else by a library. */
export async function verifyEd25519(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  if (native !== false) {
    try {
      const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
      native = true;
      return await crypto.subtle.verify("Ed25519", key, signature, message);
    } catch (error) {
      if (native === true) return false; // the algorithm is known, so the key is bad
      if (!(error instanceof DOMException) || error.name !== "NotSupportedError") return verifyByLibrary(publicKey, signature, message);
      native = false;
    }
  }
  return verifyByLibrary(publicKey, signature, message);
}

/** Exported so that tests hold it to the same answers as the browser's. */
export function verifyByLibrary(publicKey: Bytes, signature: Bytes, message: Bytes): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // a point that does not decode
  }
}
