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
  /** Which other terminal it is about. */
  readonly other: string | null;
  readonly provider: string | null;
  readonly count: number | null;
  readonly attempt: string | null;
}

/** A terminal of a keyring. */
export interface BoundTerminal {
  readonly terminal: string;
  readonly bound: number;
  /** Whether it is only trying: it came with a roaming code, and has not proven the PIN. */
  readonly provisional: boolean;
  /** Since when its holder asks that it be taken off, where support has to agree. */
  readonly parting: number | null;
}

/** One that it had. */
export interface FormerTerminal {
  readonly terminal: string;
  readonly until: number;
  readonly left: "moved" | "dissociated";
}

export interface Standing {
  readonly phase: Phase;
  readonly since: number;
  readonly suspended: { readonly by: string; readonly reason: string } | null;
  readonly tries: { readonly wrong: number; readonly left: number; readonly unfinished: number; readonly coolsUntil: number | null };
  readonly terminals: readonly BoundTerminal[];
  readonly former: readonly FormerTerminal[];
  /** The one that may come, where its holder has one come. */
  readonly roaming: { readonly terminal: string; readonly by: string; readonly ends: number } | null;
  readonly done: readonly Happening[];
  readonly next: number | null;
  /** By the element's clock. */
  readonly time: number;
}

export type Ended = "wrong" | "unfinished" | "refused" | "done";

/** An attempt of somebody else. */
export interface Other {
  readonly time: number;
  readonly ended: Ended;
  /** The element's refusal, where there is one. */
  readonly code: string | null;
}

/** What was tried since this terminal's last use, and not by it. */
export interface Others {
  readonly since: number | null;
  /** Those in this terminal's name, the first one first: a copy of it made them. */
  readonly attempts: readonly Other[];
  /** Those on other terminals of the keyring. */
  readonly elsewhere: readonly Other[];
  /** Whether there may be more, further back. */
  readonly more: boolean;
}

export interface TerminalState {
  readonly standing: Standing;
  /** Index of the newest entry that was looked through. */
  readonly seen: number | null;
  readonly others: Others;
  /** Terminals that were added since this one's last use; since it was activated, where there was none. */
  readonly added: readonly BoundTerminal[];
}

const PHASES: readonly Phase[] = ["made", "delivered", "certifying", "active", "suspended", "blocked", "destroyed"];
/** Pages that are looked through. */
const MOST_PAGES = 8;

/** From where on history is asked for: the last of it, whatever it is, for who is told it; or what this terminal did not look through at its last use, for who is warned. */
export type Since = "ever" | "lastUse";

/** Where the keyring stands, and what others did with it. No PIN is needed. */
export async function look(storage: Storage, carrier: Carrier, loaded: Loaded, since: Since = "ever"): Promise<TerminalState> {
  const { kept, device } = loaded;
  const conversation = await Conversation.open(carrier, kept, kept.image);
  const after = since === "ever" ? null : ((await storage.own()).last?.index ?? null);
  const page = async (before: number | null): Promise<Standing> => {
    const part = { ...(before === null ? {} : { before }), ...(after === null ? {} : { after }) };
    const ask = { do: "look", keyring: kept.keyring, terminal: kept.terminal, ...part };
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
  const own = await storage.own();
  // The element's list has the newest first; nothing newer than what is known was told where it is empty.
  const seen = done[0]?.index ?? after;
  return { standing, seen, others: othersAmong(done, own, kept.terminal, next !== null && !reached()), added: addedTo(standing, own, kept.terminal) };
}

/** The terminals that this one's holder was not shown before the last use: by name, since no two clocks agree. One that was activated here and never used had no other. */
export function addedTo({ terminals }: Pick<Standing, "terminals">, { known }: Own, terminal: string): BoundTerminal[] {
  return terminals.filter((one) => one.terminal !== terminal && !one.provisional && known?.includes(one.terminal) !== true);
}

/** The names of the terminals that a keyring has. */
export const namesIn = ({ terminals }: Pick<Standing, "terminals">): string[] => terminals.filter(({ provisional }) => !provisional).map(({ terminal }) => terminal);

/** Whether the element itself says that this is no terminal of the keyring: it never was, or is one no more. */
export const isNone = (error: unknown): boolean =>
  error instanceof TerminalError && error.by === "element" && ["actor_unknown", "terminal_dissociated", "keyring_destroyed"].includes(error.code);

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

/** The attempts in this history, the last first, that are not this terminal's own: those in its name, and those of the keyring's other terminals. */
export function othersAmong(done: readonly Happening[], own: Own, terminal: string, more: boolean): Others {
  const after = own.last?.index ?? null;
  const attempts = new Map<string, Other & { readonly terminal: string | null }>();
  for (const one of [...done].reverse()) {
    if ((after !== null && one.index <= after) || one.attempt === null || own.attempts.includes(one.attempt)) continue;
    const ended: Ended = one.action === "keyring.attempt" ? "unfinished" : one.action === "keyring.fail" ? "wrong" : one.refused === null ? "done" : "refused";
    const known = attempts.get(one.attempt);
    attempts.set(one.attempt, { time: known?.time ?? one.time, ended, code: one.refused, terminal: known?.terminal ?? one.terminal });
  }
  const of = (here: boolean): Other[] =>
    [...attempts.values()].filter((one) => (one.terminal === null || one.terminal === terminal) === here).map(({ time, ended, code }) => ({ time, ended, code }));
  return { since: own.last?.time ?? null, attempts: of(true), elsewhere: of(false), more };
}

function standingOf(fields: Fields): Standing {
  const phase = PHASES.find((known) => known === fields.text("phase"));
  if (phase === undefined) throw unproven("the keyring stands where this version knows no place: renew the terminal");
  const tries = fields.object("tries");
  const suspended = fields.objectOrNull("suspended");
  const roaming = fields.objectOrNull("roaming");
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
    terminals: fields.objects("terminals").map((one) => ({
      terminal: one.text("terminal"),
      bound: one.integer("bound"),
      provisional: one.flag("provisional"),
      parting: one.has("parting") ? one.integer("parting") : null,
    })),
    former: (fields.has("former") ? fields.objects("former") : []).map((one) => ({
      terminal: one.text("terminal"),
      until: one.integer("until"),
      left: one.oneOf("left", ["moved", "dissociated"]),
    })),
    roaming: roaming && { terminal: roaming.text("terminal"), by: roaming.text("by"), ends: roaming.integer("ends") },
    done: fields.objects("done").map((one) => ({
      index: one.integer("index"),
      time: one.integer("time"),
      action: one.text("action"),
      by: one.text("by"),
      refused: one.textOrNull("refused"),
      reason: one.textOrNull("reason"),
      terminal: one.textOrNull("terminal"),
      other: one.textOrNull("other"),
      provider: one.textOrNull("provider"),
      count: one.has("count") ? one.integer("count") : null,
      attempt: one.textOrNull("attempt"),
    })),
    next: fields.has("next") ? fields.integer("next") : null,
    time: fields.integer("time"),
  };
}
