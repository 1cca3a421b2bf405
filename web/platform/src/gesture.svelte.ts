/** Something that a passkey confirms: whether it is under way, was cancelled, or failed. */
import { isCancelled } from "./enter";

export class Gesture {
  /** From the press of a button until all of it is done. */
  busy = $state(false);
  /** The person put their passkey away: nothing happened, and nobody is at fault. */
  cancelled = $state(false);
  /** What else went wrong. */
  problem = $state.raw<unknown>(undefined);

  /** Does the work, and keeps how it ended. */
  async run(work: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.cancelled = false;
    this.problem = undefined;
    try {
      await work();
    } catch (cause) {
      if (isCancelled(cause)) this.cancelled = true;
      else this.problem = cause;
    } finally {
      this.busy = false;
    }
  }
}
