/** What can go wrong, as stable codes; the pages hold the words. */
export type ErrorCode =
  | "bad-encoding" // text that is not the base64url or hexadecimal it should be
  | "header-malformed" // not a sceau-1 header, or one outside its limits
  | "header-unknown-version" // a version or content suite that this reader does not know
  | "header-not-authentic" // commitment or MAC does not match the content key
  | "metadata-not-authentic"
  | "metadata-malformed"
  | "segment-not-authentic" // altered, moved, cut or from another file
  | "part-malformed" // a part of impossible size
  | "envelope-truncated" // the last part never came
  | "envelope-hash-mismatch" // not the file that the manifest names
  | "not-a-recipient" // no stanza for this key
  | "unwrap-failed"
  | "recipient-key-invalid"
  | "file-unreadable" // the browser can no longer read the chosen file
  | "file-changed" // the file changed on disk while it was being sealed
  | "file-too-large"
  | "jws-malformed"
  | "jws-wrong-header"
  | "jws-bad-signature"
  | "statement-malformed"
  | "statement-wrong-root"
  | "statement-wrong-organisation"
  | "statement-wrong-key-id"
  | "statement-not-current"
  | "statement-broken-chain"
  | "note-malformed"
  | "note-unknown-key"
  | "note-bad-signature"
  | "checkpoint-malformed"
  | "proof-invalid" // an inclusion or consistency proof that does not lead to the root
  | "evidence-malformed"
  | "evidence-wrong-log"
  | "evidence-wrong-subject" // true evidence, but of something else
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
