// Protection of data, for applications in Node and browsers (docs/protect-a-field.md): keys are asked for, and what is encrypted is
// encrypted here. No interface, no storage, and nothing at run time but the engine's own cryptography and a hash.
export { ActingFor, Application, type Changed } from "./application.js";
export { Content, ContentKey, type ContentToSign, type OpenedContent } from "./content.js";
export { DataKey, FieldKey, type FileName, type OpenedFile, type ProtectedField } from "./data-key.js";
export { type Fault, ProtectError } from "./errors.js";
export type { Settings } from "./keyfront.js";
export type { Access, Accesses, Authorisation, Datum, Erasure, Grantee, NewDatum, Rules, Validity } from "./said.js";
export { type KeyAnswer, Session, type SessionCurve, type SessionKey } from "./session.js";
export { drawSigningKey, type PublicKeyMembers, readSigningKey, type SigningAlgorithm, type SigningKey } from "./signer.js";
