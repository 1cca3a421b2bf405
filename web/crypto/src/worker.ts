// The worker in which files are sealed and opened, so that a page stays quick. It may have several files in hand; see in-worker.ts.
import { codeOf } from "./errors";
import type { FromWorker, ToWorker } from "./in-worker";
import { Opener } from "./open";
import { Sealer } from "./seal";
import type { Bytes } from "./bytes";

// By the number of the call that began them.
const sealers = new Map<number, Sealer>();
const openers = new Map<number, Opener>();

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};

scope.onmessage = ({ data }) => {
  answer(data).then(
    ({ value, transfer }) => scope.postMessage({ call: data.call, value }, transfer),
    (error: unknown) => scope.postMessage({ call: data.call, error: codeOf(error) }),
  );
};

async function answer(message: ToWorker): Promise<{ value: unknown; transfer: Transferable[] }> {
  switch (message.do) {
    case "seal": {
      const sealer = await Sealer.create(message.source, message.metadata, message.recipients);
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
    case "open": {
      const opener = await Opener.create(message.header, message.cek, message.parts);
      openers.set(message.call, opener);
      return { value: { handle: message.call, metadata: opener.metadata, fileId: opener.fileId }, transfer: [] };
    }
    case "open-part": {
      const plaintext: Bytes = await inHand(openers, message.handle).part(message.index, message.bytes);
      return { value: plaintext, transfer: [plaintext.buffer] };
    }
    case "open-finish":
      await inHand(openers, message.handle).finish(message.expected);
      return { value: null, transfer: [] };
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
