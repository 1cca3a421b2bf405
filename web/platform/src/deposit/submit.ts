/** The last step: the exact list of what was sealed, signed by the depositor's passkey, or said to be asserted by the platform. */
import { base64url, manifestBytes, type Proof, provePasskey } from "@sceau/crypto";
import { api } from "../api";
import type { Evidence } from "../api/types";
import type { Answer } from "./form";
import type { SealedFile } from "./package.svelte";
import type { PublishedScheme } from "./scheme";

export interface ToSubmit {
  readonly dossier: string;
  readonly scheme: PublishedScheme;
  readonly keyId: string;
  readonly open: Record<string, Answer>;
  readonly files: readonly SealedFile[];
  /** The sealed answers' own envelope, when the form has sensitive questions. */
  readonly answers: SealedFile | null;
}

export async function submit(what: ToSubmit, signed: boolean, now: number): Promise<Evidence> {
  const manifest = manifestBytes({
    dossier: what.dossier,
    organisation: what.scheme.organisation,
    scheme: what.scheme.id,
    formHash: what.scheme.formHash,
    publicAnswers: what.open,
    sealedAnswers: what.answers?.envelopeHash ?? null,
    files: what.answers ? [...what.files, what.answers] : what.files,
    keyId: what.keyId,
    created: now,
  });
  let proof: Proof = { type: "platform-asserted" };
  if (signed) {
    const { nonce } = await api.manifestPrepare(what.dossier);
    proof = await provePasskey({ kind: "manifest", payload: manifest, nonce });
  }
  return (await api.submit(what.dossier, base64url(manifest), proof)).receipt;
}
