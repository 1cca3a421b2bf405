// Another terminal comes to this one's keyring: the holder agrees with the PIN, this terminal shows a code, and then compares a short code with the one that came. Rules of
// crates/client/src/terminal/roam.rs.
import { Asking } from "./asking";
import { type Bytes, fromBase64url, same } from "./bytes";
import { Conversation } from "./conversation";
import { TerminalError, unproven } from "./errors";
import { parseFactor, SHORT_LENGTH, shownFactor } from "./factors";
import type { Carrier } from "./host";
import { ownAsked } from "./own";
import { drawRoamingCode, roamingKeys, shortCode } from "./roaming";
import { look } from "./state";
import type { Loaded, Storage } from "./storage";
import { type Approve, useFor } from "./use";

/** A terminal came with the code. */
export interface Came {
  /** What it shows, if it is the holder's. */
  readonly shown: Bytes;
  /** Thumbprint of its key, base64url. */
  readonly thumbprint: string;
}

/** What became of it: one of the keyring beside this one; the keyring moved to it, and this one is forgotten; or it did not come, or not in time. */
export type Became = "joined" | "moved" | "nothing";

/** Has the holder agree that one other terminal may come. Gives the code that it is told, in groups of four: shown where nobody else sees it. Null where the holder does not agree. */
export async function letCome(storage: Storage, carrier: Carrier, approve: Approve): Promise<string | null> {
  const asked = await ownAsked(await storage.load(), { kind: "roam", words: "Let one other terminal come to this keyring, with a code and the PIN." });
  const code = drawRoamingCode();
  const [terminal, keys] = [crypto.randomUUID(), roamingKeys(code)];
  try {
    const used = await useFor(storage, carrier, asked, approve, { terminal, keys });
    if (used === null) return null;
    await storage.keepComes({ terminal, short: keys.short });
    return shownFactor(code);
  } finally {
    for (const secret of [code, keys.proof, keys.secret, keys.short]) secret.fill(0);
  }
}

/** Waits until a terminal came with the code that this one showed. Throws `roaming_over` where nobody may come any more, `roaming_taken` where two came with it. */
export async function awaitComing(storage: Storage, carrier: Carrier, signal?: AbortSignal): Promise<Came> {
  const loaded = await storage.load();
  const { terminal, short } = await storage.comes();
  const state = await askingOf(carrier, loaded).until(({ stage }) => stage !== "expected", signal);
  if (state.stage === "over" || state.terminal !== terminal || state.thumbprint === null) {
    await storage.forgetComes();
    throw await whyOver(storage, carrier, loaded);
  }
  const shown = await shortCode(short, fromBase64url(state.thumbprint));
  short.fill(0);
  return { shown, thumbprint: state.thumbprint };
}

/** Whether the holder typed what the terminal that came shows. */
export function isShown({ shown }: Came, typed: string): boolean {
  try {
    return same(shown, parseFactor(typed, SHORT_LENGTH));
  } catch {
    return false;
  }
}

/** Says that the terminal that came shows the same short code. */
export async function admit(storage: Storage, carrier: Carrier, { thumbprint }: Came): Promise<void> {
  const { kept, device } = await storage.load();
  await recorded(carrier, { kept, device }, { do: "admit", keyring: kept.keyring, terminal: kept.terminal, thumbprint });
}

/** Takes the code back. */
export async function withdraw(storage: Storage, carrier: Carrier): Promise<void> {
  const { kept, device } = await storage.load();
  await recorded(carrier, { kept, device }, { do: "withdraw", keyring: kept.keyring, terminal: kept.terminal });
  await storage.forgetComes();
}

/** Waits until the terminal that was admitted is one of the keyring, or its time is over. */
export async function awaitJoined(storage: Storage, carrier: Carrier, signal?: AbortSignal): Promise<Became> {
  const loaded = await storage.load();
  const { terminal, short } = await storage.comes();
  short.fill(0);
  try {
    await askingOf(carrier, loaded).until(({ stage }) => stage === "over", signal);
  } catch (error) {
    if (!isOff(error)) throw error;
    await storage.forget();
    return "moved";
  }
  await storage.forgetComes();
  const { standing } = await look(storage, carrier, loaded);
  if (!standing.terminals.some((one) => one.terminal === terminal && !one.provisional)) return "nothing";
  // Seen here: it is no news at the next use. What else was done meanwhile is.
  const { known } = await storage.own();
  await storage.keepKnown([...(known ?? []), terminal]);
  return "joined";
}

/** Whether the element itself said that this terminal is none of the keyring any more. */
export const isOff = (error: unknown): boolean => error instanceof TerminalError && error.by === "element" && error.code === "terminal_dissociated";

const askingOf = (carrier: Carrier, { kept, device }: Loaded): Asking => new Asking(carrier, { at: kept, device });

async function recorded(carrier: Carrier, { kept, device }: Pick<Loaded, "kept" | "device">, ask: object): Promise<void> {
  const conversation = await Conversation.open(carrier, kept, kept.image);
  const answer = await conversation.ask(device, ask, "recorded");
  conversation.end();
  if (!answer.has("index")) throw unproven("the element answered something else");
}

/** Why nobody may come any more, for the holder: two with one code is not the same as too late. */
async function whyOver(storage: Storage, carrier: Carrier, loaded: Loaded): Promise<TerminalError> {
  const { done } = (await look(storage, carrier, loaded)).standing;
  const shown = done.findIndex(({ action }) => action === "keyring.roam");
  const taken = done.slice(0, shown < 0 ? done.length : shown).some(({ action, reason }) => action === "keyring.withdraw" && reason === "taken");
  return new TerminalError(taken ? "roaming_taken" : "roaming_over", "", "element");
}
