// The worker in which files are sealed and opened, so that a page stays quick. It may have several files in hand; see thread.ts.
import { codeOf } from "./errors";
import { Opener, openLone } from "./open";
import { Sealer } from "./seal";
import type { FromWorker, ToWorker } from "./thread";

// By the number of the call that began them, or the one that the page gave.
const sealers = new Map<number, Sealer>();
const openers = new Map<number, Promise<Opener>>();

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};

/** Chromium gives freed memory back to the system beyond a share of what a page holds, and asking for it anew costs more than decrypting
 * a small document. Held for the worker's life and used for nothing, these bytes raise that share (benches/browser: 2.9 to 1.8). */
const RESERVE = 8 << 20;
const reserve = crypto.subtle.importKey("raw", new Uint8Array(RESERVE), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
Object.assign(globalThis, { reserve });

scope.onmessage = ({ data }) => {
  answer(data).then(
    ({ value, transfer }) => scope.postMessage({ call: data.call, value }, transfer),
    (error: unknown) => scope.postMessage({ call: data.call, error: codeOf(error) }),
  );
};

async function answer(message: ToWorker): Promise<{ value: unknown; transfer: Transferable[] }> {
  switch (message.do) {
    case "seal": {
      const sealer = await Sealer.create(message.source, message.metadata, message.recipients, message.fileId);
      sealers.set(message.call, sealer);
      const { header, fileId, parts, size } = sealer;
      return { value: { handle: message.call, header, fileId, parts, size }, transfer: [] };
    }
    case "seal-part": {
      const part = await inHand(sealers, message.handle).part(message.index);
      return { value: part, transfer: [part.bytes.buffer] };
    }
    case "seal-hash":
      return { value: await inHand(sealers, message.handle).envelopeHash(), transfer: [] };
    case "open-part": {
      const { handle, index, bytes, beginning } = message;
      const begun = beginning ? Opener.create(beginning) : inHand(openers, handle);
      if (beginning) openers.set(handle, begun);
      const opener = await begun;
      const opened = await opener.partAndHash(index, bytes);
      return { value: { ...opened, metadata: opener.metadata }, transfer: [opened.plaintext.buffer] };
    }
    case "open-lone": {
      const { fixed, cek, bytes } = message;
      const plaintext = await openLone(fixed, cek, bytes);
      return { value: { plaintext, used: bytes.buffer }, transfer: [plaintext.buffer, bytes.buffer] };
    }
    case "release":
      sealers.delete(message.handle);
      openers.delete(message.handle);
      return { value: null, transfer: [] };
  }
}

function inHand<T>(all: Map<number, T>, handle: number): T {
  const found = all.get(handle);
  if (!found) throw new Error("released before");
  return found;
}
