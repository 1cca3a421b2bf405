// Where the keyring of a terminal stands; and what was tried with it that this terminal did not try. Rules of crates/client/src/terminal/state.rs.
import type { Fields } from "@sceau/crypto";
import { Conversation } from "./conversation";
import { TerminalError, unproven } from "./errors";
import type { Carrier } from "./host";
import type { Loaded, Own, Storage } from "./storage";

export type Phase = "made" | "delivered" | "certifying" | "active" | "suspended" | "blocked" | "destroyed";
export const SUSPEND_REASONS = ["lost", "suspected", "requested", "entitlement"] as const;
export type SuspendReason = (typeof SUSPEND_REASONS)[number];

/** Something that was done with a keyring: what its record says. */
export interface Happening {
  readonly index: number;
  readonly time: number;
  readonly action: string;
  readonly by: string;
  readonly refused: string | null;
  readonly reason: string | null;
  /** On which terminal of the keyring. */
  readonly terminal: string | null;
  readonly provider: string | null;
  readonly count: number | null;
  readonly attempt: string | null;
}

export interface Standing {
  readonly phase: Phase;
  readonly since: number;
  readonly suspended: { readonly by: string; readonly reason: string } | null;
  readonly tries: { readonly wrong: number; readonly left: number; readonly unfinished: number; readonly coolsUntil: number | null };
  readonly terminals: number;
  readonly done: readonly Happening[];
  readonly next: number | null;
  /** By the element's clock. */
  readonly time: number;
}

export type Ended = "wrong" | "unfinished" | "refused" | "done";

/** What was tried since this terminal's last use, and not by it. */
export interface Others {
  readonly since: number | null;
  readonly attempts: readonly { readonly time: number; readonly ended: Ended; readonly code: string | null }[];
  /** Whether there may be more, further back. */
  readonly more: boolean;
}

export interface TerminalState {
  readonly standing: Standing;
  readonly others: Others;
}

const PHASES: readonly Phase[] = ["made", "delivered", "certifying", "active", "suspended", "blocked", "destroyed"];
/** Pages that are looked through. */
const MOST_PAGES = 8;

/** Where the keyring stands, and what others did with it. No PIN is needed. */
export async function look(storage: Storage, carrier: Carrier, loaded: Loaded): Promise<TerminalState> {
  const { kept, device } = loaded;
  const conversation = await Conversation.open(carrier, kept, kept.image);
  const page = async (before: number | null): Promise<Standing> => {
    const ask = { do: "look", keyring: kept.keyring, terminal: kept.terminal, ...(before === null ? {} : { before }) };
    return standingOf(await conversation.ask(device, ask, "standing"));
  };
  const standing = await page(null);
  const done = [...standing.done];
  let { next } = standing;
  // Read after the element answered: what another window tries meanwhile is written before it is sent.
  const last = (await storage.own()).last?.index ?? null;
  const reached = (): boolean => {
    const first = done.at(-1);
    return first === undefined || (last !== null && first.index <= last);
  };
  for (let pages = 1; pages < MOST_PAGES && next !== null && !reached(); pages += 1) {
    const more = await page(next);
    next = more.next;
    done.push(...more.done);
  }
  conversation.end();
  return { standing, others: othersAmong(done, await storage.own(), kept.terminal, next !== null && !reached()) };
}

/** Stops the keyring. No PIN is needed, and the terminal alone cannot undo it. */
export async function suspend(storage: Storage, carrier: Carrier, reason: SuspendReason): Promise<void> {
  const { kept, device } = await storage.load();
  const conversation = await Conversation.open(carrier, kept, kept.image);
  await conversation.ask(device, { do: "suspend", keyring: kept.keyring, terminal: kept.terminal, reason }, "stopped");
  conversation.end();
}

/** Why no PIN can be typed now; the holder is told before. Throws `keyring_suspended`, `keyring_blocked`, `keyring_destroyed` or `keyring_cooling`. */
export function mayTry({ standing: { phase, suspended, tries, time } }: TerminalState): void {
  if (phase === "suspended") throw new TerminalError("keyring_suspended", suspended ? `${suspended.by}: ${suspended.reason}` : "", "element");
  if (phase === "blocked" || phase === "destroyed") throw new TerminalError(`keyring_${phase}`, "", "element");
  if (tries.coolsUntil !== null && tries.coolsUntil > time) {
    throw new TerminalError("keyring_cooling", String(Math.ceil((tries.coolsUntil - time) / 1000)), "element");
  }
}

/** The attempts in this history, the last first, in this terminal's name and not its own. Other terminals of the keyring have theirs. */
export function othersAmong(done: readonly Happening[], own: Own, terminal: string, more: boolean): Others {
  const after = own.last?.index ?? null;
  const attempts = new Map<string, { time: number; ended: Ended; code: string | null }>();
  for (const one of [...done].reverse()) {
    if ((after !== null && one.index <= after) || one.attempt === null || own.attempts.includes(one.attempt)) continue;
    if (one.terminal !== null && one.terminal !== terminal) continue;
    const ended: Ended = one.action === "keyring.attempt" ? "unfinished" : one.action === "keyring.fail" ? "wrong" : one.refused === null ? "done" : "refused";
    const known = attempts.get(one.attempt);
    attempts.set(one.attempt, { time: known?.time ?? one.time, ended, code: one.refused });
  }
  return { since: own.last?.time ?? null, attempts: [...attempts.values()], more };
}

function standingOf(fields: Fields): Standing {
  const phase = PHASES.find((known) => known === fields.text("phase"));
  if (phase === undefined) throw unproven("the keyring stands where this version knows no place: renew the terminal");
  const tries = fields.object("tries");
  const suspended = fields.objectOrNull("suspended");
  return {
    phase,
    since: fields.integer("since"),
    suspended: suspended && { by: suspended.text("by"), reason: suspended.text("reason") },
    tries: {
      wrong: tries.integer("wrong"),
      left: tries.integer("left"),
      unfinished: tries.integer("unfinished"),
      coolsUntil: tries.has("cools_until") ? tries.integer("cools_until") : null,
    },
    terminals: fields.list("terminals").length,
    done: fields.objects("done").map((one) => ({
      index: one.integer("index"),
      time: one.integer("time"),
      action: one.text("action"),
      by: one.text("by"),
      refused: one.textOrNull("refused"),
      reason: one.textOrNull("reason"),
      terminal: one.textOrNull("terminal"),
      provider: one.textOrNull("provider"),
      count: one.has("count") ? one.integer("count") : null,
      attempt: one.textOrNull("attempt"),
    })),
    next: fields.has("next") ? fields.integer("next") : null,
    time: fields.integer("time"),
  };
}
