// What was sent is what was meant: the manifest names every envelope of a dossier, and the depositor signs its exact bytes.
import { type Bytes, hex, sha256, utf8 } from "./bytes";
import { SceauError } from "./errors";
import { Fields } from "./json";

export interface ManifestFile {
  readonly fileId: string; // hexadecimal, 16 bytes
  readonly envelopeHash: string;
  readonly size: number; // bytes of plaintext
  readonly parts: number;
}

export interface Manifest {
  readonly dossier: string;
  readonly organisation: string;
  readonly scheme: string;
  readonly formHash: string;
  readonly publicAnswers: Readonly<Record<string, string | number | boolean>>;
  /** Envelope hash of the sealed answers, which are one of the files. */
  readonly sealedAnswers: string | null;
  readonly files: readonly ManifestFile[];
  readonly keyId: string;
  readonly created: number;
  /** For a scheme with scanned intake, the intake's word on each file, in the order of the files (`checkWords`); else none. */
  readonly words: readonly string[];
}

/** The bytes to sign and to send, in the order of the specification. They are never serialised again. */
export function manifestBytes(m: Manifest): Bytes {
  checkSealed(m);
  return utf8(
    JSON.stringify({
      v: 1,
      dossier: m.dossier,
      organisation: m.organisation,
      scheme: m.scheme,
      form_hash: m.formHash,
      answers: {
        public: m.publicAnswers,
        sealed: m.sealedAnswers === null ? null : { envelope_hash: m.sealedAnswers },
      },
      files: m.files.map((f) => ({ file_id: f.fileId, envelope_hash: f.envelopeHash, size: f.size, parts: f.parts })),
      key_id: m.keyId,
      created: m.created,
      ...(m.words.length > 0 ? { words: m.words } : {}),
    }),
  );
}

export function parseManifest(bytes: Bytes): Manifest {
  const f = Fields.parse(bytes, "manifest_malformed");
  if (f.integer("v") !== 1) throw new SceauError("manifest_malformed", "version");
  const answers = f.object("answers");
  const manifest: Manifest = {
    dossier: f.text("dossier"),
    organisation: f.text("organisation"),
    scheme: f.text("scheme"),
    formHash: f.hash("form_hash"),
    publicAnswers: Object.fromEntries(answers.object("public").entries().map(([name, value]) => [name, answer(value)])),
    sealedAnswers: answers.objectOrNull("sealed")?.hash("envelope_hash") ?? null,
    files: f.objects("files").map((file) => ({
      fileId: file.hash("file_id", 16),
      envelopeHash: file.hash("envelope_hash"),
      size: file.integer("size"),
      parts: file.integer("parts"),
    })),
    keyId: f.hash("key_id"),
    created: f.integer("created"),
    words: f.holds("words") ? f.list("words").map(word) : [],
  };
  checkSealed(manifest);
  return manifest;
}

export async function manifestHash(bytes: Bytes): Promise<string> {
  return hex(await sha256(bytes));
}

function checkSealed({ sealedAnswers, files }: Manifest): void {
  if (sealedAnswers !== null && !files.some((file) => file.envelopeHash === sealedAnswers)) {
    throw new SceauError("manifest_malformed", "the sealed answers are not among the files");
  }
}

function word(value: unknown): string {
  if (typeof value === "string") return value;
  throw new SceauError("manifest_malformed", "words");
}

function answer(value: unknown): string | number | boolean {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new SceauError("manifest_malformed", "answer");
}
