/** One deposit from the empty form to the receipt. Pages draw it; the order of the steps is decided here and nowhere else. */
import { CryptoWorker, type Manifest, SceauError } from "@sceau/crypto";
import { api } from "../api";
import { Problem } from "../api/http";
import type { DossierBegun } from "../api/types";
import { sentBefore } from "./continue";
import { type Answer, faults, type Fault, split, type Typed } from "./form";
import { demandOwn } from "./own";
import { MAX_IN_BROWSER, Parcel, type SealedFile } from "./package.svelte";
import { verified, type VerifiedRecipient } from "./recipient";
import type { Receipt } from "./receipt";
import { loadScheme, type PublishedScheme } from "./scheme";
import { Submission } from "./submit";
import { type Finished, isOfTheFile, Visit } from "./visit";

export type Step = "form" | "files" | "sending" | "sign" | "receipt";
/** Why a file was not taken. */
export type Refusal = { name: string; size: number; why: "too-large" | "unreadable" };

export class Deposit {
  step = $state<Step>("form");
  scheme = $state.raw<PublishedScheme | undefined>(undefined);
  recipient = $state.raw<VerifiedRecipient | undefined>(undefined);
  /** Loading or verifying the recipient failed: nothing goes further. */
  blocked = $state<unknown>(undefined);
  typed = $state<Typed>({});
  parcels = $state<Parcel[]>([]);
  running = $state(false);
  trouble = $state<unknown>(undefined);
  receipt = $state.raw<Receipt | undefined>(undefined);
  dossier = $state("");
  /** What was sent before, where the organisation asked for more: it stays, and new files join it. */
  before = $state.raw<Manifest | undefined>(undefined);
  #stop = new AbortController();
  /** Warm before the first file is chosen. */
  readonly #worker = new CryptoWorker();
  #answers: Parcel | undefined;
  #answersText: string | undefined;
  readonly #submission = new Submission();
  #visit: Visit | undefined;
  #finished: Finished | undefined;

  /** Whether the intake scans and seals, rather than this browser. */
  get scanned(): boolean {
    return this.scheme?.trusted != null;
  }

  async open(schemeId: string, now: number): Promise<void> {
    this.blocked = undefined;
    try {
      this.scheme = await loadScheme(schemeId);
      this.step = this.scheme.form.length > 0 ? "form" : "files";
      const begun = await begin(schemeId);
      await demandOwn(begun, this.scheme);
      this.dossier = begun.id;
      this.recipient = await verified(begun.recipient, this.scheme.recipient, now);
    } catch (cause) {
      forget(schemeId);
      this.blocked = cause;
    }
  }

  /** Takes up a dossier about which the organisation asked for more. */
  async goOn(dossier: string, now: number): Promise<void> {
    this.blocked = undefined;
    try {
      const sent = await sentBefore(dossier, now);
      this.scheme = sent.scheme;
      this.recipient = sent.recipient;
      this.before = sent.manifest;
      this.dossier = dossier;
      this.step = "files";
    } catch (cause) {
      this.blocked = cause;
    }
  }

  get formFaults(): Fault[] {
    return faults(this.scheme?.form ?? [], this.typed);
  }

  /** The documents that the scheme requires and that no file is said to be. */
  get missing() {
    if (this.before) return [];
    const given = new Set(this.parcels.map((parcel) => parcel.slot));
    return (this.scheme?.documents ?? []).filter((slot) => slot.required && !given.has(slot.name));
  }

  /** Takes files; each is guessed to be the next document still missing. */
  async add(files: Iterable<File>): Promise<Refusal[]> {
    const refused: Refusal[] = [];
    for (const file of files) {
      if (file.size > MAX_IN_BROWSER) refused.push({ name: file.name, size: file.size, why: "too-large" });
      else if (!(await readable(file))) refused.push({ name: file.name, size: file.size, why: "unreadable" });
      else {
        const parcel = new Parcel(file, file.name, file.type || "application/octet-stream");
        parcel.slot = this.missing[0]?.name ?? "";
        this.parcels.push(parcel);
      }
    }
    return refused;
  }

  remove(parcel: Parcel): void {
    parcel.close();
    this.parcels = this.parcels.filter((one) => one !== parcel);
  }

  /** Seals and sends everything, one file after the other; called again, it resumes. */
  async send(): Promise<void> {
    const { recipient } = this;
    if (!recipient || this.running) return;
    this.step = "sending";
    this.running = true;
    this.trouble = undefined;
    this.#stop = new AbortController();
    try {
      if (this.scanned) return await this.#sendToIntake();
      for (const parcel of this.parcels) await parcel.carry(this.dossier, recipient.key, this.#worker, this.#stop.signal);
      this.#prepareAnswers();
      await this.#answers?.carry(this.dossier, recipient.key, this.#worker, this.#stop.signal);
      this.step = "sign";
    } catch (cause) {
      if (!this.#stop.signal.aborted) this.trouble = cause;
    } finally {
      this.running = false;
    }
  }

  pause(): void {
    this.#stop.abort();
  }

  async finish(signed: boolean, now: number): Promise<void> {
    const { scheme, recipient } = this;
    if (!scheme || !recipient || this.running) return;
    this.running = true;
    this.trouble = undefined;
    try {
      this.receipt = await this.#submission.send({
        dossier: this.dossier,
        scheme,
        keyId: recipient.statement.keyId,
        before: this.before,
        open: this.before?.publicAnswers ?? this.#finished?.open ?? split(scheme.form, this.typed).open,
        files: this.#finished?.files ?? this.parcels.map((parcel) => parcel.result).filter((file): file is SealedFile => file !== undefined),
        answers: this.#finished?.answers ?? this.#answers?.result ?? null,
        words: this.#finished?.words ?? [],
      }, signed, now);
      forget(scheme.id);
      this.step = "receipt";
    } catch (cause) {
      this.trouble = cause;
    } finally {
      this.running = false;
    }
  }

  close(): void {
    this.#stop.abort();
    this.#worker.close();
  }

  /** Each file to the intake, in its turn; a refused one does not hold up the others, and the deposit waits for the person to replace it. */
  async #sendToIntake(): Promise<void> {
    const { open, sealed } = this.before ? { open: {}, sealed: {} } : split(this.scheme?.form ?? [], this.typed);
    const answers = { ...open, ...sealed };
    const known = this.#visit?.answers === JSON.stringify(answers) ? this.#visit : undefined;
    const visit = known ?? (await this.#visitIntake(answers));
    this.#visit = visit;
    if (!known) for (const parcel of this.parcels) parcel.phase = "waiting";
    let refused = false;
    for (const parcel of this.parcels) {
      if (parcel.phase === "refused") refused = true;
      else {
        try {
          await visit.carry(parcel, this.#stop.signal);
        } catch (cause) {
          if (cause instanceof Problem && cause.code === "unknown_deposit") this.#visit = undefined;
          if (!isOfTheFile(cause)) throw cause;
          refused = true;
        }
      }
    }
    if (refused) return;
    this.#finished = await visit.finish(this.parcels);
    this.step = "sign";
  }

  async #visitIntake(answers: Record<string, Answer>): Promise<Visit> {
    const { scheme, recipient, dossier } = this;
    if (!scheme?.trusted || !recipient) throw new SceauError("scheme_malformed");
    const meant = { dossier, organisation: scheme.organisation, scheme: scheme.id, formHash: scheme.formHash, keyId: recipient.statement.keyId };
    return Visit.begin(scheme.trusted, meant, answers);
  }

  /** Sealed once, and again only if the person went back and said something else. */
  #prepareAnswers(): void {
    const text = this.#sealedAnswers();
    if (text === this.#answersText) return;
    this.#answers?.close();
    this.#answersText = text;
    this.#answers = text === undefined ? undefined : new Parcel(new Blob([text]), "answers.json", "application/json");
  }

  /** The sensitive answers, and which file is which document, as one more file to seal: neither is the platform's business. */
  #sealedAnswers(): string | undefined {
    if (this.before) return undefined; // they were sent before, and nobody but the organisation can read them
    const { sealed } = split(this.scheme?.form ?? [], this.typed);
    const several = (this.scheme?.documents.length ?? 0) > 1;
    const named = several ? this.parcels.filter((parcel) => parcel.slot !== "") : [];
    if (Object.keys(sealed).length === 0 && named.length === 0) return undefined;
    // "$documents" cannot be the name of a question, whose names are a-z, 0-9, - and _.
    const documents = Object.fromEntries(named.map((parcel) => [parcel.result?.fileId ?? "", parcel.slot]));
    return JSON.stringify(named.length > 0 ? { ...sealed, $documents: documents } : sealed);
  }
}

/** A draft begun in this tab is taken up again after a reload rather than begun twice. */
async function begin(scheme: string): Promise<DossierBegun> {
  const kept = sessionStorage.getItem(draftOf(scheme));
  if (kept !== null) {
    const begun = JSON.parse(kept) as DossierBegun;
    try {
      if ((await api.dossier(begun.id)).state === "draft") return begun;
    } catch { /* gone, or of another account: begin anew */ }
  }
  const begun = await api.dossierBegin(scheme);
  sessionStorage.setItem(draftOf(scheme), JSON.stringify(begun));
  return begun;
}

const draftOf = (scheme: string): string => `sceau-draft-${scheme}`;
const forget = (scheme: string): void => sessionStorage.removeItem(draftOf(scheme));

/** Folders and vanished files look like files until they are read. */
async function readable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
