/** What can go wrong, as stable codes: those of the Rust rooms (crypto, trace) where both can meet the error. The pages hold the words. */
export type ErrorCode =
  | "bad_encoding" // text that is not the base64url or hexadecimal it should be
  // the envelope (docs/envelope.md)
  | "header_not_an_envelope"
  | "header_version"
  | "header_content_suite"
  | "header_truncated"
  | "header_malformed"
  | "header_forged" // the MAC does not match
  | "envelope_commitment" // the content key is not this envelope's
  | "envelope_not_a_recipient"
  | "envelope_unwrap"
  | "envelope_hash" // not the envelope that the manifest names
  | "metadata_refused"
  | "stream_header"
  | "stream_truncated"
  | "stream_too_long"
  | "segment_refused" // altered, moved, cut or from another file
  | "content_invalid" // of the profile cbc-rs256: not the octets that its signature names, or no signature, or altered
  // sealing
  | "seal_no_recipient"
  | "seal_too_many_recipients"
  | "seal_duplicate_recipient"
  | "seal_name"
  | "seal_media_type"
  | "seal_too_large"
  | "key_malformed"
  | "key_size"
  | "file_unreadable" // the browser can no longer read the chosen file
  | "file_changed" // the file changed on disk while it was being sealed
  // signatures and statements
  | "jws_malformed"
  | "jws_header"
  | "jws_signature"
  | "statement_malformed"
  | "statement_wrong_root"
  | "statement_wrong_organisation"
  | "statement_wrong_key_id"
  | "statement_not_current"
  | "statement_broken_chain"
  | "scheme_malformed"
  | "not_scanned" // not each file of a scanned scheme has the trusted intake's word
  // the trace
  | "note.malformed"
  | "note.duplicate_signature"
  | "note.bad_key"
  | "note.not_signed"
  | "note.bad_signature"
  | "checkpoint.malformed"
  | "checkpoint.wrong_origin"
  | "policy.malformed" // no policy of witnesses
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
  | "erasure_malformed" // no certificate of erasure, or of a later version
  // time stamps, and who may make them
  | "stamp.malformed"
  | "stamp.too_long"
  | "stamp.another_imprint" // of something else
  | "stamp.algorithm"
  | "stamp.unknown_signer"
  | "stamp.false_signature"
  | "stamp.unauthorised"
  | "stamp.signer_not_valid" // its certificate was not valid at the time that it says
  | "anchors.none"
  | "anchors.unreadable"
  | "anchors.not_an_authority"
  // keys of applications
  | "public_key_private"
  | "public_key_kind"
  | "public_key_unreadable"
  | "keyring_malformed" // what a terminal of keyrings is given is not what it should be
  // the depositor's side
  | "manifest_malformed"
  | "account_changed" // the platform names another account than the browser knows
  | "dossier_of_another" // the log says that the dossier is another account's
  | "passkey_unavailable"
  | "passkey_refused";

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
