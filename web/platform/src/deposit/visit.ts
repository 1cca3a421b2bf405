/** A deposit at the intake: it sees the files in clear for a moment, scans them, and seals what is clean. These calls go to the host that the
 * organisation's attested scheme names, and to no other. */
import { checkWords, type IntakeHost } from "@sceau/crypto";
import { api } from "../api";
import { Problem } from "../api/http";
import type { Answer } from "./form";
import type { Parcel, Phase, SealedFile } from "./package.svelte";

/** Between two looks at where the files stand, and before a file is sent again to an antivirus that was away; in milliseconds. */
const LOOK = 600;
const AGAIN = 2000;

interface Sealed { file_id: string; envelope_hash: string; size: number; parts: number }
interface Standing { place: number; state: string; code?: string }

/** What the manifest is made of, as the intake says it. */
export interface Finished { files: SealedFile[]; answers: SealedFile | null; open: Record<string, Answer>; words: readonly string[] }

/** What the page means, as it verified it: the intake takes nothing where the platform told it otherwise. */
export interface Meant { readonly dossier: string; readonly organisation: string; readonly scheme: string; readonly formHash: string; readonly keyId: string }

/** Refusals of the file itself: sending it again changes nothing. */
const OF_THE_FILE = new Set(["infected", "encrypted", "unscannable", "wrong_type", "two_types", "file_name", "file_too_large"]);
/** Refusals that pass: the file is sent again by itself, and so its state is shown meanwhile. */
const WAITS = new Map<string, Phase>([["antivirus_away", "antivirus"], ["platform_away", "waiting"], ["intake_busy", "waiting"], ["too_many_at_once", "waiting"]]);
const LOOKED_AT = new Set<Phase>(["receiving", "scanning", "antivirus"]);
export const isOfTheFile = (cause: unknown): boolean => cause instanceof Problem && OF_THE_FILE.has(cause.code);

export class Visit {
  readonly #places = new Map<Parcel, number>();

  private constructor(readonly answers: string, readonly path: string, readonly token: string, readonly dossier: string, readonly trusted: IntakeHost) {}

  /** Carries the platform's one-use grant to the intake, with the answers: it takes nothing for an incomplete form. */
  static async begin(trusted: IntakeHost, { dossier, organisation, scheme, formHash, keyId }: Meant, answers: Record<string, Answer>): Promise<Visit> {
    const { grant } = await api.intakeGrant(dossier);
    const meant = { dossier, organisation, scheme, form_hash: formHash, key_id: keyId };
    const begun = await ask<{ id: string; token: string }>("POST", `${trusted.url}/v1/deposits`, undefined, { grant, meant, answers });
    return new Visit(JSON.stringify(answers), `${trusted.url}/v1/deposits/${begun.id}`, begun.token, dossier, trusted);
  }

  /** Sends a file and waits for its verdict; a file that waits for the antivirus goes on by itself. */
  async carry(parcel: Parcel, stop: AbortSignal): Promise<void> {
    if (parcel.phase === "done") return;
    parcel.trouble = undefined;
    parcel.phase = "receiving";
    try {
      const place = this.#places.get(parcel) ?? (await this.#announce(parcel));
      const file = await this.#send(parcel, place, stop);
      parcel.result = { fileId: file.file_id, envelopeHash: file.envelope_hash, size: file.size, parts: file.parts };
      parcel.phase = "done";
    } catch (cause) {
      parcel.phase = isOfTheFile(cause) ? "refused" : stop.aborted || (cause instanceof Problem && cause.status === 0) ? "paused" : "failed";
      if (!stop.aborted) parcel.trouble = cause;
      throw cause;
    }
  }

  /** The intake seals the answers, and says what it sealed, with its word on each file: of the trusted intake, about these very files, or nothing is
   * signed. Files that were taken away again are none of it. */
  async finish(parcels: readonly Parcel[]): Promise<Finished> {
    for (const [parcel, place] of this.#places) {
      if (parcels.includes(parcel)) continue;
      await ask("DELETE", `${this.path}/files/${place}`, this.token).catch(() => undefined);
      this.#places.delete(parcel);
    }
    const said = await ask<{ files: Sealed[]; words: string[]; sealed_answers: string | null; public: Record<string, Answer> }>("POST", `${this.path}/finish`, this.token);
    const files = said.files.map((one) => ({ fileId: one.file_id, envelopeHash: one.envelope_hash, size: one.size, parts: one.parts }));
    await checkWords({ dossier: this.dossier, files, words: said.words }, this.trusted);
    const isAnswers = (one: SealedFile) => one.envelopeHash === said.sealed_answers;
    // The answers come last, here as in the manifest: words stand in the order of the files.
    return { files: files.filter((one) => !isAnswers(one)), answers: files.find(isAnswers) ?? null, open: said.public, words: said.words };
  }

  async #announce(parcel: Parcel): Promise<number> {
    const document = parcel.slot === "" ? null : parcel.slot;
    const about = { name: parcel.name, media_type: parcel.type, size: parcel.size, document };
    const { place } = await ask<{ place: number }>("POST", `${this.path}/files`, this.token, about);
    this.#places.set(parcel, place);
    return place;
  }

  async #send(parcel: Parcel, place: number, stop: AbortSignal): Promise<Sealed> {
    for (;;) {
      const looking = setInterval(() => void this.#look(parcel, place), LOOK);
      try {
        return await put<Sealed>(`${this.path}/files/${place}`, this.token, parcel.source, stop, (sent) => { parcel.sent = sent; });
      } catch (cause) {
        if (stop.aborted) throw cause;
        await this.#refusedMeanwhile(place, cause);
        const phase = cause instanceof Problem ? WAITS.get(cause.code) : undefined;
        if (phase === undefined) throw cause;
        parcel.phase = phase;
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      } finally {
        clearInterval(looking);
      }
    }
  }

  /** A line that is cut while a file is being sent may have been cut because of what it was: the intake says so when it is asked. */
  async #refusedMeanwhile(place: number, cause: unknown): Promise<void> {
    if (!(cause instanceof Problem) || cause.status !== 0) return;
    const standing = await ask<Standing[]>("GET", this.path, this.token).catch(() => []);
    const code = standing.find((one) => one.place === place && one.state === "refused")?.code;
    if (code !== undefined) throw new Problem(422, code);
  }

  /** The bytes may be on their way while the antivirus is away, slow or reloading: the person is told. */
  async #look(parcel: Parcel, place: number): Promise<void> {
    const standing = await ask<Standing[]>("GET", this.path, this.token).catch(() => []);
    if (!LOOKED_AT.has(parcel.phase)) return;
    const state = standing.find((one) => one.place === place)?.state;
    if (state === "waiting_for_antivirus") parcel.phase = "antivirus";
    else if (state === "scanning") parcel.phase = "scanning";
    else if (state === "receiving") parcel.phase = "receiving";
  }
}

async function ask<T>(method: string, url: string, token?: string, json?: unknown): Promise<T> {
  const headers = new Headers({ accept: "application/json" });
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (json !== undefined) headers.set("content-type", "application/json");
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body: json === undefined ? null : JSON.stringify(json), credentials: "omit", redirect: "error", cache: "no-store" });
  } catch {
    throw new Problem(0, "network");
  }
  const text = await response.text().catch(() => { throw new Problem(0, "network"); });
  if (!response.ok) throw problemOf(response.status, text);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** XMLHttpRequest alone says how much of a body has left. */
function put<T>(url: string, token: string, body: Blob, stop: AbortSignal, progress: (sent: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText) as T);
      else reject(problemOf(request.status, request.responseText));
    };
    request.onerror = () => reject(new Problem(0, "network"));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    stop.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function problemOf(status: number, text: string): Problem {
  try {
    const said = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return new Problem(status, typeof said.code === "string" ? said.code : "", typeof said.detail === "string" ? said.detail : "");
  } catch {
    return new Problem(status, "");
  }
}
