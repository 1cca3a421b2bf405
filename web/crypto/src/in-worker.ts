// Sealing and opening, done in a worker. Parts cross by transfer, without a copy.
import type { Bytes } from "./bytes";
import type { Metadata } from "./header";
import { OpeningInWorker } from "./opening-in-worker";
import { ordered } from "./ordered";
import type { RecipientKey } from "./recipients";
import type { SealedPart } from "./seal";
import { Thread } from "./thread";

/** A worker ready before it is needed, for any number of files. Close it, or it lives as long as the page. */
export class CryptoWorker {
  readonly #thread = new Thread();
  #files = 0;

  /** Seals a file: its header at once, its parts as they are asked for. */
  async seal(source: Blob, metadata: Metadata, recipients: readonly RecipientKey[], fileId?: Bytes): Promise<SealingInWorker> {
    const thread = this.#thread;
    const started = (await thread.ask({ do: "seal", source, metadata, recipients, fileId })) as SealedHeader & { handle: number };
    const { handle, ...header } = started;
    const part = (index: number): Promise<SealedPart> => thread.ask({ do: "seal-part", handle, index }) as Promise<SealedPart>;
    const envelopeHash = (): Promise<string> => thread.ask({ do: "seal-hash", handle }) as Promise<string>;
    return { ...header, part, envelopeHash, all: () => ordered(header.parts, part), release: () => thread.release(handle) };
  }

  /** Nothing is asked of a worker before the first part comes. `parts` comes from the signed manifest. */
  open(header: Bytes, cek: Bytes, parts: number): OpeningInWorker {
    this.#files += 1;
    return new OpeningInWorker(this.#thread, -this.#files, header, cek, parts);
  }

  close(): void {
    this.#thread.close();
  }
}

export interface SealedHeader {
  readonly header: Bytes;
  readonly fileId: string;
  readonly parts: number;
  readonly size: number;
}

export interface SealingInWorker extends SealedHeader {
  part(index: number): Promise<SealedPart>;
  all(): AsyncGenerator<SealedPart, void, undefined>;
  envelopeHash(): Promise<string>;
  release(): void;
}
