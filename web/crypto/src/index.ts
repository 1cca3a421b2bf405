// Sceau's cryptography in the browser: envelopes, recipients, signatures, the trace's proofs. No interface, no network, no storage.
// It never holds a recipient's private key and never hands out a plaintext that it has not authenticated.
export { base64, base64url, type Bytes, concat, fromBase64url, fromHex, fromUtf8, hex, sha256, utf8 } from "./bytes";
export { commitTo, isWithheld } from "./commitment";
export { codeOf, type ErrorCode, SceauError } from "./errors";
export { type Happened, type NotCovered, type VerifiedErasure, verifyErasure } from "./erasure";
export { stampsOf, type VerifiedRecord, verifyEvidence } from "./evidence";
export { fileIdOf, isFileOf } from "./file-id";
export { fileIdHex, type Metadata, parseHeader, type UnverifiedHeader } from "./header";
export { CryptoWorker, type SealedHeader, type SealingInWorker } from "./in-worker";
export { Fields } from "./json";
export { fingerprint, type JwsType, unverifiedPayload, verifyEd25519, verifyJws } from "./jws";
export { type Manifest, manifestBytes, type ManifestFile, manifestHash, parseManifest } from "./manifest";
export { leafHash, rootOf, verifyConsistency, verifyInclusion } from "./merkle";
export { type Checkpoint, imprintOf, type LogKey, parseLogKey, sameRoot, verifyCheckpoint } from "./note";
export { checkWhole, Opener } from "./open";
export type { OpeningInWorker } from "./opening-in-worker";
export { ordered } from "./ordered";
export { loginChallenge, type PasskeyProof, type Proof, proofChallenge, type ProofKind, provePasskey } from "./passkey";
export { judgeCheckpoint, parsePolicy, type Policy, PolicySyntax, type PolicyVerdict, type PolicyWitness } from "./policy";
export { type PublicJwk, type PublicKey, publicKeyOf, readPublicKey, type SigningAlgorithm } from "./public-key";
export { type ActorKind, type Asserted, type Outcome, parseRecord, type TraceRecord } from "./record";
export { keyIdHex, type PrivateKey, type RecipientKey, type RecipientSuite, unwrap, wrap } from "./recipients";
export { type SealedPart, Sealer } from "./seal";
export { type Anchors, readAnchors, type TimeStamp, verifyStamp } from "./stamp";
export { type Certificate, readCertificate } from "./stamp/certificate";
export { type KeyStatement, type KeySuite, type KeyUse, verifyChain, verifyRecipient, verifyStatement } from "./statements";
export { MAX_FILE, partCount } from "./stream";
export { checkWords, type IntakeHost, intakeHostOf } from "./words";
