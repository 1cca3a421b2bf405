// A dossier as its depositor sent it, or nothing: the manifest is in the platform's trace, it is this organisation's, and the form is
// the one that was answered. No document is offered before all of that holds.
import { type Asserted, checkWords, fromBase64url, fromUtf8, hex, intakeHostOf, isFileOf, type Manifest, type ManifestFile, parseManifest, sha256, verifyEvidence } from "@sceau/crypto";
import { type Bundle, type Config, type DossierProof, Problem } from "../api";
import { type ProvenDecision, verifyDecision } from "./decision";

export interface Bilingual {
  readonly fr: string;
  readonly en: string;
}

export interface Question {
  readonly name: string;
  readonly label: Bilingual;
  readonly kind: string;
  readonly sensitive: boolean;
  readonly choices?: readonly { readonly value: string; readonly label: Bilingual }[];
}

/** A document that the form asked for. */
export interface Requested {
  readonly name: string;
  readonly label: Bilingual;
}

export interface SealedFile extends ManifestFile {
  readonly header: string;
}

export interface Dossier {
  readonly id: string;
  readonly title: Bilingual;
  readonly questions: readonly Question[];
  readonly requested: readonly Requested[];
  readonly manifest: Manifest;
  readonly documents: readonly SealedFile[];
  readonly sealedAnswers: SealedFile | null;
  /** On whose word the depositor sent this: their passkey's, or only the platform's. */
  readonly asserted: Asserted;
  readonly submitted: number;
  readonly proof: DossierProof;
  /** What was decided before, or why what the platform says was decided is not believed. */
  readonly decision: ProvenDecision | null;
  readonly falseDecision: unknown;
}

export async function verifyDossier(id: string, bundle: Bundle, config: Config): Promise<Dossier> {
  const bytes = fromBase64url(bundle.manifest);
  const manifest = parseManifest(bytes);
  const { record } = await verifyEvidence(bundle.manifest_evidence, config.log_key);
  const logged =
    record.outcome === "granted" &&
    record.attested?.kind === "manifest" &&
    record.attested.id === id &&
    record.attested.hash === hex(await sha256(bytes));
  if (!logged) throw new Problem("manifest_not_logged");
  if (manifest.dossier !== id) throw new Problem("manifest_of_another_dossier");
  if (manifest.organisation !== config.organisation.id) throw new Problem("manifest_of_another_organisation");
  const scheme = fromBase64url(bundle.scheme);
  if (hex(await sha256(scheme)) !== manifest.formHash) throw new Problem("form_differs");
  // Where the organisation has documents scanned, each file has the word of the intake that it trusts, or nothing is opened.
  await checkWords(manifest, intakeHostOf(scheme));
  const { title, form, documents = [] } = JSON.parse(fromUtf8(scheme)) as { title: Bilingual; form: Question[]; documents?: Requested[] };

  for (const { fileId } of manifest.files) if (!(await isFileOf(id, fileId))) throw new Problem("file_of_another_dossier");
  const files = manifest.files.map((file): SealedFile => {
    const header = bundle.files.find((f) => f.file_id === file.fileId)?.header;
    if (header === undefined) throw new Problem("file_missing");
    return { ...file, header };
  });
  let decision: ProvenDecision | null = null;
  let falseDecision: unknown = null;
  try {
    decision = await verifyDecision(id, bundle, config, hex(await sha256(bytes)));
  } catch (cause) {
    falseDecision = cause; // the documents are what was deposited all the same
  }
  return {
    id,
    title,
    questions: form,
    requested: documents,
    manifest,
    documents: files.filter((file) => file.envelopeHash !== manifest.sealedAnswers),
    sealedAnswers: files.find((file) => file.envelopeHash === manifest.sealedAnswers) ?? null,
    asserted: record.asserted,
    submitted: record.time,
    proof: { dossier: id, manifest: bundle.manifest, manifest_evidence: bundle.manifest_evidence, scheme: bundle.scheme },
    decision,
    falseDecision,
  };
}

/** For which requested document each file was given, by file id: the depositor's word, sealed beside the answers under "$documents", which
 * is no question's name. What names nothing that the form asked for is left out. */
export function givenAs(dossier: Dossier, sealed: Readonly<Record<string, unknown>>): ReadonlyMap<string, Bilingual> {
  const said = sealed["$documents"];
  const given = new Map<string, Bilingual>();
  if (typeof said !== "object" || said === null) return given;
  for (const [fileId, name] of Object.entries(said)) {
    const asked = dossier.requested.find((one) => one.name === name);
    if (asked) given.set(fileId, asked.label);
  }
  return given;
}
