// One worker, and the calls that wait for it. Errors cross as codes.
import { type ErrorCode, SceauError } from "./errors";
import type { Bytes } from "./bytes";
import type { Metadata } from "./header";
import type { Beginning } from "./open";
import type { RecipientKey } from "./recipients";

type Call =
  | { do: "seal"; source: Blob; metadata: Metadata; recipients: readonly RecipientKey[]; fileId: Bytes | undefined }
  | { do: "seal-part"; handle: number; index: number }
  | { do: "seal-hash"; handle: number }
  /** The first call for a file carries its beginning. */
  | { do: "open-part"; handle: number; index: number; bytes: Bytes; beginning: Beginning | null }
  /** The only part of a file: the worker keeps nothing. */
  | { do: "open-lone"; fixed: Bytes; cek: Bytes; bytes: Bytes }
  | { do: "release"; handle: number };
export type ToWorker = Call & { call: number };
export type FromWorker = { call: number; value: unknown } | { call: number; error: ErrorCode | "unexpected" };

export class Thread {
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

  ask(call: Call, transfer: Transferable[] = []): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...call, call: id } satisfies ToWorker, transfer);
    });
  }

  /** The worker forgets a file and its keys; one that was closed has done so already. */
  release(handle: number): void {
    this.ask({ do: "release", handle }).catch(() => undefined);
  }

  close(): void {
    this.#worker.terminate();
    this.#fail(new Error("the worker was closed"));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
