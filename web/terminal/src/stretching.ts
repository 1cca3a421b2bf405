// Argon2id, in a worker of its own for each call: the page stays quick, and what the worker held of a PIN goes with it. Where there are none (a service worker, a test) it is done here.
import { TerminalError } from "./errors";
import { type Work, work } from "./work";

export interface ToStretch {
  readonly name: keyof Work;
  readonly args: readonly unknown[];
}
export type Stretched = { readonly value: unknown } | { readonly refused: { readonly code: string; readonly detail: string } };

/** Ends a registration of a PIN. */
export const registered: Work["registered"] = (...args) => away("registered", args);
/** Judges the element's side of a PIN. */
export const loggedIn: Work["loggedIn"] = (...args) => away("loggedIn", args);
/** 8 bytes of a secret, stretched as a PIN is. */
export const stretched: Work["stretched"] = (...args) => away("stretched", args);

async function away<K extends keyof Work>(name: K, args: Parameters<Work[K]>): Promise<Awaited<ReturnType<Work[K]>>> {
  type Value = Awaited<ReturnType<Work[K]>>;
  if (typeof Worker === "undefined") return (await (work[name] as (...args: Parameters<Work[K]>) => Promise<unknown>)(...args)) as Value;
  const worker = new Worker(new URL("./stretching.worker.ts", import.meta.url), { type: "module", name: "sceau-stretching" });
  try {
    const said = await new Promise<Stretched>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Stretched>) => resolve(data);
      worker.onerror = () => reject(new TerminalError("stretching", "the worker stopped: there may be too little memory"));
      worker.postMessage({ name, args } satisfies ToStretch);
    });
    if ("refused" in said) throw new TerminalError(said.refused.code, said.refused.detail);
    return said.value as Value;
  } finally {
    worker.terminate();
  }
}
