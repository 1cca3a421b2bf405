import { base64url } from "@sceau/crypto";
export { base64url, fromBase64url, hex, proofChallenge, sha256, utf8 } from "@sceau/crypto";
export const random32 = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));
