/** A deposit being made: files sealed part by part in a worker and sent as they come out, resumable at each part. */
import { base64, type CryptoWorker, fileIdOf, type RecipientKey, type SealingInWorker, sha256 } from "@sceau/crypto";
import { api } from "../api";
import { Problem } from "../api/http";

/** The limit per file here. `sceau deposit` has none. */
export const MAX_IN_BROWSER = 500_000_000;
/** Parts in flight of one file; sealing goes on while they travel. */
const IN_FLIGHT = 3;
/** Waits before trying a part again, in milliseconds; after the last the person is asked. */
const PATIENCE = [500, 1500, 4000];

/** `receiving`, `scanning`, `antivirus` (it waits for the antivirus) and `refused` are of files that the intake scans. */
export type Phase = "waiting" | "sealing" | "sending" | "receiving" | "scanning" | "antivirus" | "refused" | "paused" | "done" | "failed";

/** What the manifest says of a sealed file. */
export interface SealedFile { fileId: string; envelopeHash: string; size: number; parts: number }

/** One file on its way. Components read it; only `carry`, here or of the visit to the intake, changes it. */
export class Parcel {
  phase = $state<Phase>("waiting");
  /** Plaintext bytes sealed, and sent, so far. */
  sealed = $state(0);
  sent = $state(0);
  retrying = $state(false);
  trouble = $state<unknown>(undefined);
  slot = $state("");
  result: SealedFile | undefined;
  #sealing: SealingInWorker | undefined;
  #headed = false;
  #arrived = new Set<number>();

  constructor(readonly source: Blob, readonly name: string, readonly type: string) {}

  get size(): number {
    return this.source.size;
  }

  /** Seals and sends until the platform holds every part. Called again after a cut, it goes on from what arrived. */
  async carry(dossier: string, recipient: RecipientKey, worker: CryptoWorker, stop: AbortSignal): Promise<void> {
    if (this.phase === "done") return;
    this.trouble = undefined;
    this.phase = "sealing";
    try {
      const sealing = await this.#begin(dossier, recipient, worker, stop);
      await this.#send(dossier, sealing, stop);
      const envelopeHash = await sealing.envelopeHash();
      this.result = { fileId: sealing.fileId, envelopeHash, size: sealing.size, parts: sealing.parts };
      this.phase = "done";
      this.close();
    } catch (cause) {
      if (stop.aborted || isCut(cause)) this.phase = "paused";
      else this.phase = "failed";
      if (!stop.aborted) this.trouble = cause;
      throw cause;
    } finally {
      this.retrying = false;
    }
  }

  /** The worker forgets the file and its content key. */
  close(): void {
    this.#sealing?.release();
    this.#sealing = undefined;
  }

  async #begin(dossier: string, recipient: RecipientKey, worker: CryptoWorker, stop: AbortSignal): Promise<SealingInWorker> {
    if (this.#sealing && this.#headed) {
      const { parts } = await this.#patiently(() => api.partsReceived(dossier, this.#sealing?.fileId ?? ""), stop);
      this.#arrived = new Set(parts);
      return this.#sealing;
    }
    const sealing = this.#sealing ?? (await worker.seal(this.source, { name: this.name, type: this.type }, [recipient], await fileIdOf(dossier)));
    const digest = await digestOf(sealing.header);
    this.#sealing = sealing;
    await this.#patiently(() => api.putHeader(dossier, sealing.fileId, sealing.header, digest, stop), stop);
    this.#headed = true;
    return sealing;
  }

  async #send(dossier: string, sealing: SealingInWorker, stop: AbortSignal): Promise<void> {
    const flying = new Set<Promise<void>>();
    let failed: unknown;
    let sent = 0;
    const perPart = sealing.size / sealing.parts;
    for await (const part of sealing.all()) {
      if (failed !== undefined || stop.aborted) break;
      this.sealed = part.done;
      if (this.#arrived.has(part.index)) {
        sent += 1;
        this.sent = Math.round(sent * perPart);
        continue;
      }
      this.phase = "sending";
      const digest = `sha-256=:${base64(part.hash)}:`;
      const flight: Promise<void> = this.#patiently(() => api.putPart(dossier, sealing.fileId, part.index, part.bytes, digest, stop), stop)
        .then(() => {
          this.#arrived.add(part.index);
          sent += 1;
          this.sent = Math.round(sent * perPart);
        })
        .catch((cause: unknown) => { failed ??= cause; })
        .finally(() => flying.delete(flight));
      flying.add(flight);
      if (flying.size >= IN_FLIGHT) await Promise.race(flying);
    }
    await Promise.all(flying);
    if (failed !== undefined) throw failed;
    stop.throwIfAborted();
  }

  /** A cut connection or a tired server is tried again a few times before the person hears of it. */
  async #patiently<T>(act: () => Promise<T>, stop: AbortSignal): Promise<T> {
    for (const wait of PATIENCE) {
      try {
        const value = await act();
        this.retrying = false;
        return value;
      } catch (cause) {
        if (stop.aborted || !isCut(cause)) throw cause;
        this.retrying = true;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    return act();
  }
}

/** Whether waiting may help: no answer, or the server's own fault. */
function isCut(cause: unknown): boolean {
  return cause instanceof Problem && (cause.status === 0 || cause.status === 429 || cause.status >= 500 || cause.code === "digest_mismatch");
}

const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => `sha-256=:${base64(await sha256(bytes))}:`;
