// The envelope, and the profile beside it, for programs that seal under a datum's key: without recipients' keys, signatures and proofs, and what these depend on.
export { base64url, type Bytes, concat, equal, fromBase64url, fromUtf8, hex, random, sha256, u32, utf8 } from "./bytes";
export { type CbcHead, isContent, SignedContent, UnsignedContent } from "./cbc";
export { datumOf, datumStanza, type OfDatum } from "./datum";
export { codeOf, SceauError } from "./errors";
export type { Metadata, UnverifiedHeader } from "./header";
export { Fields } from "./json";
export { PipedEnvelope, sealPiped, type Sealing } from "./piped";
