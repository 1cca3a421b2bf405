/** The last step: the exact list of what was sealed, signed by the depositor's passkey, or said to be asserted by the platform. */
import { base64url, type Bytes, type Manifest, manifestBytes, manifestHash, type Proof, provePasskey } from "@sceau/crypto";
import { api } from "../api";
import { Problem } from "../api/http";
import type { Answer } from "./form";
import type { SealedFile } from "./package.svelte";
import { judge, type Receipt, receiptOf } from "./receipt";
import type { PublishedScheme } from "./scheme";

export interface ToSubmit {
  readonly dossier: string;
  readonly scheme: PublishedScheme;
  readonly keyId: string;
  /** What this manifest continues, where the organisation asked for more. */
  readonly before: Manifest | undefined;
  readonly open: Readonly<Record<string, Answer>>;
  readonly files: readonly SealedFile[];
  /** The sealed answers' own envelope, when the form has sensitive questions. */
  readonly answers: SealedFile | null;
  /** The intake's word on each of these files and answers, where it sealed them. */
  readonly words: readonly string[];
}

/** One dossier's submission. Its manifest and proof are kept until an answer came, so that a second try says the very same thing: the
 * platform takes the same manifest twice, and no other. */
export class Submission {
  #created: number | undefined;
  #proof: Proof | undefined;

  async send(what: ToSubmit, signed: boolean, now: number): Promise<Receipt> {
    this.#created ??= now;
    const manifest = bytesOf(what, this.#created);
    const hash = await manifestHash(manifest);
    if (!this.#proof || (this.#proof.type === "passkey") !== signed) this.#proof = await prove(what.dossier, manifest, signed);
    try {
      const { receipt } = await api.submit(what.dossier, base64url(manifest), this.#proof);
      return await judge(receipt, what.dossier, hash);
    } catch (cause) {
      const before = isAlreadySent(cause) ? await receiptOf(what.dossier, hash) : undefined;
      if (before) return before;
      if (isRefused(cause)) this.#proof = undefined;
      throw cause;
    }
  }
}

function bytesOf(what: ToSubmit, created: number): Bytes {
  return manifestBytes({
    dossier: what.dossier,
    organisation: what.scheme.organisation,
    scheme: what.scheme.id,
    formHash: what.scheme.formHash,
    publicAnswers: what.open,
    sealedAnswers: what.answers?.envelopeHash ?? what.before?.sealedAnswers ?? null,
    files: [...(what.before?.files ?? []), ...what.files, ...(what.answers ? [what.answers] : [])],
    keyId: what.keyId,
    created,
    words: [...(what.before?.words ?? []), ...what.words],
  });
}

async function prove(dossier: string, manifest: Bytes, signed: boolean): Promise<Proof> {
  if (!signed) return { type: "platform-asserted" };
  const { nonce } = await api.manifestPrepare(dossier);
  return provePasskey({ kind: "manifest", payload: manifest, nonce });
}

const isAlreadySent = (cause: unknown): boolean => cause instanceof Problem && cause.code === "already_sent";

/** The platform read it and said no, to this proof perhaps (its nonce is short-lived): the next try signs anew. */
const isRefused = (cause: unknown): boolean =>
  cause instanceof Problem && cause.status >= 400 && cause.status < 500 && cause.status !== 401 && cause.status !== 429;
