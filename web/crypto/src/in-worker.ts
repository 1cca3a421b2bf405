// The same sealing and opening, done in a worker. Parts cross by transfer, without a copy; errors cross as codes.
import type { Bytes } from "./bytes";
import { type ErrorCode, SceauError } from "./errors";
import type { Metadata } from "./header";
import { ordered } from "./ordered";
import type { RecipientKey } from "./recipients";
import type { SealedPart } from "./seal";

type Call =
  | { do: "seal"; source: Blob; metadata: Metadata; recipients: readonly RecipientKey[] }
  | { do: "seal-part"; handle: number; index: number }
  | { do: "seal-hash"; handle: number }
  | { do: "open"; header: Bytes; cek: Bytes; parts: number }
  | { do: "open-part"; handle: number; index: number; bytes: Bytes }
  | { do: "open-finish"; handle: number; expected: string }
  | { do: "release"; handle: number };
export type ToWorker = Call & { call: number };
export type FromWorker = { call: number; value: unknown } | { call: number; error: ErrorCode | "unexpected" };

/** A worker ready before it is needed, for any number of files. Close it, or it lives as long as the page. */
export class CryptoWorker {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "sceau" });
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const waiting = this.#waiting.get(data.call);
      this.#waiting.delete(data.call);
      if ("error" in data) {
        waiting?.reject(data.error === "unexpected" ? new Error("unexpected error in the worker") : new SceauError(data.error));
      } else {
        waiting?.resolve(data.value);
      }
    };
    this.#worker.onerror = () => this.#fail(new Error("the worker stopped"));
  }

  /** Seals a file: its header at once, its parts as they are asked for. */
  async seal(source: Blob, metadata: Metadata, recipients: readonly RecipientKey[]): Promise<SealingInWorker> {
    const started = (await this.#ask({ do: "seal", source, metadata, recipients })) as SealedHeader & { handle: number };
    const { handle, ...header } = started;
    const part = (index: number): Promise<SealedPart> =>
      this.#ask({ do: "seal-part", handle, index }) as Promise<SealedPart>;
    const envelopeHash = (): Promise<string> => this.#ask({ do: "seal-hash", handle }) as Promise<string>;
    return { ...header, part, envelopeHash, all: () => ordered(header.parts, part), release: () => this.#release(handle) };
  }

  /** Checks the header under the content key; plaintext comes from `part`, and is the file that was signed for once `finish` returns. */
  async open(header: Bytes, cek: Bytes, parts: number): Promise<OpeningInWorker> {
    type Opened = { handle: number; metadata: Metadata; fileId: string };
    const { handle, ...opened } = (await this.#ask({ do: "open", header, cek, parts })) as Opened;
    const part = (index: number, bytes: Bytes): Promise<Bytes> =>
      this.#ask({ do: "open-part", handle, index, bytes }, [bytes.buffer]) as Promise<Bytes>;
    const finish = async (expected: string): Promise<void> => {
      await this.#ask({ do: "open-finish", handle, expected });
    };
    return { ...opened, part, finish, release: () => this.#release(handle) };
  }

  /** The worker forgets the file and its key; a worker that was closed has done so already. */
  #release(handle: number): void {
    this.#ask({ do: "release", handle }).catch(() => undefined);
  }

  close(): void {
    this.#worker.terminate();
    this.#fail(new Error("the worker was closed"));
  }

  #ask(call: Call, transfer: Transferable[] = []): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...call, call: id } satisfies ToWorker, transfer);
    });
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
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

export interface OpeningInWorker {
  readonly metadata: Metadata;
  readonly fileId: string;
  part(index: number, bytes: Bytes): Promise<Bytes>;
  finish(expectedEnvelopeHash: string): Promise<void>;
  release(): void;
}
