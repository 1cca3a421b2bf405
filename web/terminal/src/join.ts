// This machine becomes one more terminal of a keyring: by a code that another terminal shows, a short code that both show, and the PIN. Rules of
// crates/client/src/terminal/join.rs; a wrong PIN does not end it here, as long as the element takes another.
import { Fields, keyIdHex } from "@sceau/crypto";
import { Asking } from "./asking";
import { base64url, type Bytes, fromBase64url } from "./bytes";
import { Conversation } from "./conversation";
import { parsePolicy, type Policy } from "./documents";
import { TerminalError, unproven } from "./errors";
import { parseFactor, ROAMING_LENGTH, shownFactor } from "./factors";
import type { Carrier } from "./host";
import { checkIdentity, type Identity, parseIdentity } from "./identity";
import { type DeviceKey, generateDevice } from "./jws";
import { ownAsked } from "./own";
import { isProofOfElement, PICTURE_PREFIX, placeOf, proofOfTerminal, type RoamingKeys, roamingKeys, shortCode } from "./roaming";
import { type Cabinet, type Environment, type Kept, type Lock, Storage } from "./storage";
import { type Chosen, lockedAsAsked } from "./activate";
import { look, namesIn } from "./state";
import { prove } from "./use";

/** Where the new terminal lies, and where it runs. */
export interface Here {
  readonly cabinet: Cabinet;
  readonly environment: Environment;
  readonly lock: Lock | null;
}

/** What a holder reads before typing the PIN. */
export interface ToJoin {
  readonly identity: Identity;
  readonly policy: Policy;
  /** Why the PIN before was not taken, where one was typed: it can be typed again. */
  readonly problem: TerminalError | null;
}

/** Reads a roaming code as people type it, or as its picture has it. Throws `code_malformed`. */
export function parseRoamingCode(typed: string): Bytes {
  const text = typed.trim();
  try {
    return parseFactor(text.toUpperCase().startsWith(PICTURE_PREFIX) ? text.slice(PICTURE_PREFIX.length) : text, ROAMING_LENGTH);
  } catch (cause) {
    throw new TerminalError("code_malformed", "the code has 24 letters and digits, without U", "terminal", { cause });
  }
}

/** The element in the word of who carries messages, which the code proves or not. */
interface About {
  readonly origin: string;
  /** The id of its channel key, hexadecimal. */
  readonly channel: string;
}

/**
 * Comes to a keyring with a roaming code. `show` is given the short code, for the holder to type on the other terminal; `approve` shows what it is given, and gives the PIN where
 * the holder agrees, or null. Gives the keyring; null where the holder does not go on.
 * Throws `roaming_invalid`, `roaming_taken`, `roaming_over`, `terminal_exists`; the element's codes; `unproven` where what answers has not the code.
 */
export async function join(
  here: Here,
  host: { readonly carrier: Carrier; readonly origin: string },
  code: Bytes,
  show: (short: string) => void,
  approve: (shown: ToJoin) => Promise<Chosen | null>,
  signal?: AbortSignal,
): Promise<string | null> {
  const keys = roamingKeys(code);
  try {
    const device = await generateDevice();
    const about = await aboutOf(host.carrier);
    const image = await here.environment();
    const { keyring, terminal } = await new Coming(host.carrier, about, keys, device).arrive(image);
    const storage = new Storage(here.cabinet, here.environment, keyring, here.lock);
    return await storage.alone(async () => {
      if (await storage.exists()) throw new TerminalError("terminal_exists", "this keyring has a terminal here already");
      show(shownFactor(await shortCode(keys.short, device.thumbprint)));
      const asking = new Asking(host.carrier, { at: { ...about, keyring, terminal, image }, device });
      const kept = { ...(await admitted(asking, signal)), keyring, terminal, ...about, image, host: host.origin };
      return (await proven(storage, host.carrier, { asking, device, keys }, kept, approve)) ? keyring : null;
    });
  } finally {
    for (const secret of [keys.proof, keys.secret, keys.short]) secret.fill(0);
  }
}

/** What a terminal is told once its holder found the same short code on both. */
interface Admitted extends Pick<Kept, "v" | "key" | "word" | "policy" | "access" | "certificate" | "chain"> {
  readonly identity: Identity;
}

async function aboutOf(carrier: Carrier): Promise<About> {
  const about = Fields.of(await carrier.get("/v1/keyrings/about"), "keyring_malformed");
  const publicKey = about.bytes("channel");
  if (publicKey.length !== 1216) throw new TerminalError("channel_key", "the element's channel key cannot be read");
  return { origin: about.text("origin"), channel: await keyIdHex({ suite: "HPKE-X-Wing", publicKey }) };
}

/** A terminal on its way. */
class Coming {
  constructor(
    private readonly carrier: Carrier,
    private readonly about: About,
    private readonly keys: RoamingKeys,
    private readonly device: DeviceKey,
  ) {}

  /** Comes with the code. Where another terminal was there first it is said once more, so that the element knows of both, and the code is of no use to either. */
  async arrive(image: string): Promise<{ keyring: string; terminal: string }> {
    try {
      return await this.#arrives(image);
    } catch (error) {
      if (error instanceof TerminalError && error.code === "roaming_taken") await this.#arrives(image).catch(() => undefined);
      throw error;
    }
  }

  async #arrives(image: string): Promise<{ keyring: string; terminal: string }> {
    const { about, keys, device } = this;
    const conversation = await Conversation.open(this.carrier, about);
    const { nonce } = conversation;
    const proof = base64url(proofOfTerminal(keys.proof, nonce, about.channel, device.thumbprint));
    const answer = await conversation.ask(device, { do: "arrive", code: placeOf(keys.proof), device: base64url(device.spki), proof, image }, "arrived");
    conversation.end();
    const came = { keyring: answer.text("keyring"), terminal: answer.text("terminal") };
    if (!isProofOfElement(answer.bytes("proof"), keys.proof, nonce, about.channel, came.keyring, came.terminal)) {
      throw unproven("what answered does not have the code: it is not the element of the other terminal");
    }
    return came;
  }
}

/** Waits until the other terminal said that both show the same. */
async function admitted(asking: Asking, signal: AbortSignal | undefined): Promise<Admitted> {
  const state = await asking.until(({ stage, phase }) => stage !== "came" || phase !== "active", signal).catch((error: unknown) => {
    // It is none of the keyring any more, not even one that tries.
    if (error instanceof TerminalError && error.by === "element" && error.code === "actor_unknown") return null;
    throw error;
  });
  const told = state?.admitted ?? null;
  if (told === null) throw over();
  const policy = told.bytes("policy");
  const identity = parseIdentity(told.object("identity"));
  checkIdentity(identity, parsePolicy(policy).subject);
  if (told.bytes("key").length !== 16) throw unproven("the element answered something else");
  return {
    v: 1,
    key: told.text("key"),
    word: told.text("word"),
    policy: base64url(policy),
    access: told.text("access"),
    certificate: told.textOrNull("certificate"),
    chain: told.list("chain").map(String),
    identity,
  };
}

const over = (): TerminalError =>
  new TerminalError("roaming_over", "the other terminal did not confirm this one: the code was taken back, or has ended, or another terminal came with it", "element");

/** Has the holder type the PIN until it is right, gives up, or the element takes no other. Whether this is a terminal of the keyring now. */
async function proven(
  storage: Storage,
  carrier: Carrier,
  by: { readonly asking: Asking; readonly device: DeviceKey; readonly keys: RoamingKeys },
  { identity, ...kept }: Kept & Admitted,
  approve: (shown: ToJoin) => Promise<Chosen | null>,
): Promise<boolean> {
  const policy = parsePolicy(fromBase64url(kept.policy));
  let problem: TerminalError | null = null;
  for (;;) {
    const chosen = await approve({ identity, policy, problem });
    if (chosen === null) {
      await storage.forget();
      return false;
    }
    lockedAsAsked(policy, chosen.locked);
    try {
      // All of it before it is sent: where the answer is lost, this is a terminal. What opens the part until this use is of the code, and turns by it.
      if (!(await storage.exists())) await storage.make(kept, by.device, by.keys.secret, chosen.locked ? await storage.makeLock() : null, false);
      const asked = await ownAsked({ kept, policy, device: by.device }, { kind: "join", words: "Make this one more terminal of the keyring." });
      await prove(storage, carrier, asked, chosen.pin);
      await seen(storage, carrier);
      return true;
    } catch (error) {
      problem = await mayTryAgain(error, by.asking);
      if (problem !== null) continue;
      if (isRefusal(error)) await storage.forget();
      throw error;
    }
  }
}

/** Those that were there before are no news at the first use. Where they cannot be asked for now, they are shown then. */
async function seen(storage: Storage, carrier: Carrier): Promise<void> {
  const names = await look(storage, carrier, await storage.load()).then(({ standing }) => namesIn(standing), () => null);
  if (names !== null) await storage.keepKnown(names);
}

/** The error again, where the PIN can be typed once more. Throws why it cannot, after a wrong one. */
async function mayTryAgain(error: unknown, asking: Asking): Promise<TerminalError | null> {
  if (!(error instanceof TerminalError)) return null;
  if (error.code === "terminal_locked") return error;
  if (error.code !== "pin_invalid") return null;
  try {
    const { stage, phase } = await asking.now();
    return stage === "admitted" && phase === "active" ? error : null;
  } catch (cause) {
    // What who carries says ends nothing.
    return cause instanceof TerminalError && cause.by === "element" ? null : error;
  }
}

/** The element itself says that this is no terminal; or the PIN was wrong. Whatever else went wrong, it may be one. */
const isRefusal = (error: unknown): boolean => error instanceof TerminalError && error.by === "element" && !["kind_not_served", "unavailable", "internal"].includes(error.code);
