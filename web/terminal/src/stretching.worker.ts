// One call, then it is ended by who began it; see stretching.ts.
import { codeOf, TerminalError } from "./errors";
import type { Stretched, ToStretch } from "./stretching";
import { work } from "./work";

const scope = globalThis as unknown as {
  postMessage(said: Stretched): void;
  onmessage: ((event: MessageEvent<ToStretch>) => void) | null;
};

scope.onmessage = ({ data: { name, args } }) => {
  (work[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args).then(
    (value) => scope.postMessage({ value }),
    (error: unknown) => scope.postMessage({ refused: { code: codeOf(error), detail: error instanceof TerminalError ? error.detail : "" } }),
  );
};
