// How far a terminal is on its way to a keyring, asked again and again in as few exchanges as that fits in. Rules of crates/client/src/terminal/roam.rs.
import type { Fields } from "@sceau/crypto";
import { Conversation, type Element } from "./conversation";
import { TerminalError } from "./errors";
import type { Carrier } from "./host";
import type { DeviceKey } from "./jws";

/** Milliseconds between two questions. */
const ASKS_EVERY = 2000;
/** The most messages in one context. */
const MOST_MESSAGES = 16;
const STAGES = ["expected", "came", "admitted", "over"] as const;

export interface RoamingState {
  readonly stage: (typeof STAGES)[number];
  /** Where the keyring stands. */
  readonly phase: string;
  /** The terminal that may come, or came. */
  readonly terminal: string | null;
  /** Thumbprint of the key of the one that came, base64url. */
  readonly thumbprint: string | null;
  /** What the terminal that came is told once it is admitted. */
  readonly admitted: Fields | null;
}

/** Who asks: a bound terminal, or the one that came. */
export interface Asks {
  readonly at: Element & { readonly keyring: string; readonly terminal: string; readonly image: string };
  readonly device: DeviceKey;
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

export class Asking {
  #open: { readonly conversation: Conversation; asked: number } | null = null;

  constructor(
    private readonly carrier: Carrier,
    private readonly by: Asks,
  ) {}

  /** How far it is, once that holds. Throws `stopped` where `signal` says so. */
  async until(holds: (state: RoamingState) => boolean, signal?: AbortSignal): Promise<RoamingState> {
    while (!isAborted(signal)) {
      const state = await this.now();
      if (holds(state)) return state;
      await this.carrier.pause(ASKS_EVERY);
    }
    throw new TerminalError("stopped");
  }

  async now(): Promise<RoamingState> {
    const { at, device } = this.by;
    if (this.#open === null || this.#open.asked >= MOST_MESSAGES) {
      this.#open?.conversation.end();
      this.#open = { conversation: await Conversation.open(this.carrier, at, at.image), asked: 0 };
    }
    this.#open.asked += 1;
    const answer = await this.#open.conversation.ask(device, { do: "roaming", keyring: at.keyring, terminal: at.terminal }, "roaming");
    return {
      stage: answer.oneOf("stage", STAGES),
      phase: answer.text("phase"),
      terminal: answer.textOrNull("terminal"),
      thumbprint: answer.textOrNull("thumbprint"),
      admitted: answer.objectOrNull("admitted"),
    };
  }
}
