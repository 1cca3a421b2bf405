// The worker in which files are sealed and opened, so that a page stays quick. One worker does one file at a time; see in-worker.ts.
import { codeOf } from "./errors";
import type { FromWorker, ToWorker } from "./in-worker";
import { Opener } from "./open";
import { Sealer } from "./seal";
import type { Bytes } from "./bytes";

let sealer: Sealer | undefined;
let opener: Opener | undefined;

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
      sealer = await Sealer.create(message.source, message.metadata, message.recipients);
      const { header, fileId, parts, size } = sealer;
      return { value: { header, fileId, parts, size }, transfer: [] };
    }
    case "seal-part": {
      if (!sealer) throw new Error("seal first");
      const part = await sealer.part(message.index);
      return { value: part, transfer: [part.bytes.buffer] };
    }
    case "seal-hash":
      if (!sealer) throw new Error("seal first");
      return { value: await sealer.envelopeHash(), transfer: [] };
    case "open":
      opener = await Opener.create(message.header, message.cek, message.parts);
      return { value: { metadata: opener.metadata, fileId: opener.fileId }, transfer: [] };
    case "open-part": {
      if (!opener) throw new Error("open first");
      const plaintext: Bytes = await opener.part(message.index, message.bytes);
      return { value: plaintext, transfer: [plaintext.buffer] };
    }
    case "open-finish":
      if (!opener) throw new Error("open first");
      await opener.finish(message.expected);
      return { value: null, transfer: [] };
  }
}
