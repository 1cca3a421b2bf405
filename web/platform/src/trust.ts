/** What this browser believes of the log: the key it was first shown, kept, so that a platform that changes it is seen. */
import { config } from "./session.svelte";

const remembered = "sceau-log-key";

export class LogKeyChanged extends Error {
  constructor() {
    super("the log key is not the one this browser remembers");
  }
}

/** The verifier key of the trace. Trusted on first use; a different one later is refused until the person says otherwise. */
export async function logKey(): Promise<string> {
  const offered = (await config()).log_key;
  const kept = localStorage.getItem(remembered);
  if (kept === null) localStorage.setItem(remembered, offered);
  else if (kept !== offered) throw new LogKeyChanged();
  return offered;
}

/** The person compared the key by another channel and accepts it. What was remembered of the old log goes with it. */
export function forgetLog(): void {
  localStorage.removeItem(remembered);
  localStorage.removeItem("sceau-checkpoint");
}
