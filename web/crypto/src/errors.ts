/** What can go wrong, as stable codes: those of the Rust rooms (crypto, trace) where both can meet the error. The pages hold the words. */
export type ErrorCode =
  | "bad-encoding" // text that is not the base64url or hexadecimal it should be
  // the envelope (docs/envelope.md)
  | "header-not-an-envelope"
  | "header-version"
  | "header-content-suite"
  | "header-truncated"
  | "header-malformed"
  | "header-forged" // the MAC does not match
  | "envelope-commitment" // the content key is not this envelope's
  | "envelope-not-a-recipient"
  | "envelope-unwrap"
  | "envelope-hash" // not the envelope that the manifest names
  | "metadata-refused"
  | "stream-header"
  | "stream-truncated"
  | "stream-too-long"
  | "segment-refused" // altered, moved, cut or from another file
  // sealing
  | "seal-no-recipient"
  | "seal-too-many-recipients"
  | "seal-duplicate-recipient"
  | "seal-name"
  | "seal-media-type"
  | "seal-too-large"
  | "key-malformed"
  | "key-size"
  | "file-unreadable" // the browser can no longer read the chosen file
  | "file-changed" // the file changed on disk while it was being sealed
  // signatures and statements
  | "jws-malformed"
  | "jws-header"
  | "jws-signature"
  | "statement-malformed"
  | "statement-wrong-root"
  | "statement-wrong-organisation"
  | "statement-wrong-key-id"
  | "statement-not-current"
  | "statement-broken-chain"
  // the trace
  | "note.malformed"
  | "note.duplicate_signature"
  | "note.bad_key"
  | "note.not_signed"
  | "note.bad_signature"
  | "checkpoint.malformed"
  | "checkpoint.wrong_origin"
  | "proof.out_of_range"
  | "proof.wrong_length"
  | "proof.root_mismatch"
  | "record.too_long"
  | "record.malformed"
  | "record.unknown_version"
  | "record.not_canonical"
  | "record.field"
  | "evidence.too_long"
  | "evidence.malformed"
  | "evidence.unknown_version"
  | "evidence.other_log"
  | "opening.wrong" // it does not fit its commitment
  | "opening.superfluous" // it opens nothing
  | "evidence.wrong_subject" // true evidence, but of something else
  // the depositor's side
  | "manifest-malformed"
  | "passkey-unavailable"
  | "passkey-refused";

/** The one error this package throws on purpose. `detail` is for a developer and never holds a secret. */
export class SceauError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, detail = "", options?: ErrorOptions) {
    super(detail ? `${code}: ${detail}` : code, options);
    this.name = "SceauError";
    this.code = code;
  }
}

export function codeOf(error: unknown): ErrorCode | "unexpected" {
  return error instanceof SceauError ? error.code : "unexpected";
}
