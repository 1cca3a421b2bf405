// Activation: the factors are proven on both sides, the holder reads whose the keyring is, and chooses a PIN. Rules of crates/client/src/terminal/activate.rs.
import { Fields } from "@sceau/crypto";
import { base64url, type Bytes, hex } from "./bytes";
import { Conversation, refusalOf } from "./conversation";
import { unlockOf } from "./consent";
import { parsePolicy, type Policy } from "./documents";
import { TerminalError, unproven } from "./errors";
import { type Factors, firstProof, isAnswerProof, secondProof } from "./factors";
import type { Carrier } from "./host";
import { checkIdentity, type Identity, identityHash, parseIdentity } from "./identity";
import { type DeviceKey, generateDevice } from "./jws";
import { sha256 } from "./labels";
import { namesOf, pinRefused, register, type Registering, throwaway } from "./opaque";
import { isNone, look } from "./state";
import { type Kept, passwordWith, type Storage } from "./storage";
import { registered } from "./stretching";

/** What a terminal must know of a keyring to activate it, besides its factors. No secret is in it. */
export interface Invitation {
  readonly keyring: string;
  /** SHA-256 of the policy, hexadecimal. */
  readonly policy: string;
  readonly channel: string;
  readonly word: string;
  readonly origin: string;
  readonly second: boolean;
}

/** Reads an invitation as it came. Throws `invitation_malformed`. */
export function parseInvitation(text: string): Invitation {
  try {
    const fields = Fields.parse(text.trim(), "keyring_malformed").only("v", "keyring", "policy", "channel", "word", "officer", "origin", "second_factor");
    const keyring = fields.text("keyring");
    if (fields.integer("v") !== 1 || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(keyring)) throw new Error("another version");
    return {
      keyring,
      policy: fields.object("policy").hash("hash"),
      channel: fields.hash("channel"),
      word: fields.text("word"),
      origin: fields.text("origin"),
      second: fields.has("second_factor") && fields.oneOf("second_factor", ["none", "required"]) === "required",
    };
  } catch (cause) {
    throw new TerminalError("invitation_malformed", "this is not the invitation to a keyring", "terminal", { cause });
  }
}

/** What a holder chose. */
export interface Chosen {
  readonly pin: string;
  /** Whether the device's lock is asked for besides, at each use. */
  readonly locked: boolean;
}

/** What a holder reads before choosing a PIN. */
export interface ToActivate {
  readonly identity: Identity;
  readonly policy: Policy;
}

interface Begun {
  readonly conversation: Conversation;
  readonly registering: Registering;
  readonly phase: string;
  readonly identity: Identity;
  readonly policy: Bytes;
  readonly access: Bytes;
  readonly terminal: string;
  readonly key: Bytes;
  readonly response: Bytes;
}

/** Activates a keyring here. `choose` shows what it is given, and gives what the holder chose, or null. Gives back the phase, or null where the holder does not go on. */
export async function activate(
  storage: Storage,
  host: { readonly carrier: Carrier; readonly origin: string },
  invitation: Invitation,
  factors: Factors,
  choose: (shown: ToActivate) => Promise<Chosen | null>,
): Promise<string | null> {
  if (invitation.second !== (factors.second !== null)) throw new TerminalError("factor_missing", "the invitation asks for a second factor exactly where there is one");
  await storage.alone(() => vacant(storage, host.carrier));
  const device = await generateDevice();
  const by = { carrier: host.carrier, invitation, factors, device };
  // A registration is blinded from the PIN, which nobody chose yet: the first context only asks to be shown, with digits that are thrown away.
  const first = await begin(by, throwaway());
  const shown = showable(first);
  const chosen = await choose(shown);
  if (chosen === null) return null;
  lockedAsAsked(shown.policy, chosen.locked);
  if (pinRefused(chosen.pin, shown.policy.pin) !== null) throw new TerminalError("pin_not_taken", "the PIN is not of the policy");
  return storage.alone(() => confirm(storage, by, host.origin, shown, chosen));
}

/** That the device's lock is there where the policy asks for the fingerprint: this terminal knows its holder by nothing else. Throws `fingerprint_missing`. */
export function lockedAsAsked(policy: Policy, locked: boolean): void {
  if (policy.biometric === "fingerprint" && !locked) {
    throw new TerminalError("fingerprint_missing", "the policy of this keyring asks for its holder's fingerprint, by the lock of this device");
  }
}

interface By {
  readonly carrier: Carrier;
  readonly invitation: Invitation;
  readonly factors: Factors;
  readonly device: DeviceKey;
}

async function confirm(storage: Storage, by: By, host: string, shown: ToActivate, { pin, locked }: Chosen): Promise<string> {
  const { invitation, device } = by;
  // Another window may have gone on meanwhile.
  await vacant(storage, by.carrier);
  const lock = locked ? await storage.makeLock() : null;
  const password = lock === null ? pin : passwordWith(lock.given)(pin);
  const begun = await begin(by, password);
  const identity = identityHash(begun.identity);
  if (identity !== identityHash(shown.identity)) throw unproven("the element showed another holder before");
  const { upload, exported } = await registered(password, begun.registering, begun.response, namesOf(invitation.keyring, begun.terminal, invitation.origin));
  const current = crypto.getRandomValues(new Uint8Array(32));
  const unlock = unlockOf(exported, current, { keyring: invitation.keyring, terminal: begun.terminal, key: begun.key });
  exported.fill(0);
  const image = await storage.image();
  const kept: Kept = {
    v: 1,
    keyring: invitation.keyring,
    terminal: begun.terminal,
    key: base64url(begun.key),
    origin: invitation.origin,
    channel: invitation.channel,
    word: invitation.word,
    policy: base64url(begun.policy),
    access: base64url(begun.access),
    certificate: null,
    chain: [],
    image,
    host,
  };
  // All of it before it is sent: where the answer is lost, the keyring is active, and this is its terminal.
  await storage.make(kept, device, current, lock, true);
  current.fill(0);
  const ask = { do: "confirm", upload: base64url(upload), unlock, identity, policy: invitation.policy, image };
  const answer = await begun.conversation.hear(device, ask);
  if (answer.is === "refused") {
    // The element itself says that it is not bound. What who carries says is believed of nothing: the keyring may be active, and this its only terminal.
    const refusal = refusalOf(answer);
    if (!["kind_not_served", "unavailable", "internal"].includes(refusal.code)) await storage.forget();
    throw refusal;
  }
  if (answer.is !== "activated") throw unproven("the element answered something else");
  begun.conversation.end();
  await storage.keep({ ...kept, certificate: answer.fields.textOrNull("certificate"), chain: answer.fields.list("chain").map(String) });
  return answer.fields.text("phase");
}

/** That this keyring has no terminal here: one that the element itself says never was one, since its activation was lost on the way, is forgotten. Throws `terminal_exists`. */
async function vacant(storage: Storage, carrier: Carrier): Promise<void> {
  if (!(await storage.exists())) return;
  const never = await look(storage, carrier, await storage.load()).then(() => false, isNone);
  if (!never) throw new TerminalError("terminal_exists", "this keyring has a terminal here already");
  await storage.forget();
}

async function begin({ carrier, invitation, factors, device }: By, pin: string): Promise<Begun> {
  const conversation = await Conversation.open(carrier, invitation);
  const { nonce } = conversation;
  const registering = await register(pin);
  const second = secondProof(factors, invitation.keyring, nonce, device.thumbprint);
  const ask = {
    do: "activate",
    keyring: invitation.keyring,
    device: base64url(device.spki),
    first: base64url(firstProof(factors.code, invitation.keyring, nonce, device.thumbprint)),
    ...(second === null ? {} : { second: base64url(second) }),
    register: base64url(registering.request),
  };
  const answer = await conversation.ask(device, ask, "activating");
  const identity = parseIdentity(answer.object("identity"));
  const policy = answer.bytes("policy");
  const policyHash = hex(sha256(policy));
  const begun: Begun = {
    conversation,
    registering,
    phase: answer.text("phase"),
    identity,
    policy,
    access: answer.bytes("access"),
    terminal: answer.text("terminal"),
    key: answer.bytes("key"),
    response: answer.bytes("response"),
  };
  const reply = { ...begun, channel: invitation.channel, word: invitation.word, identity: identityHash(identity), policy: policyHash };
  if (begun.key.length !== 16 || !isAnswerProof(answer.bytes("proof"), factors, invitation.keyring, nonce, reply)) {
    throw unproven("the element does not have the factors, or is not the invitation's, or its answer was altered");
  }
  if (policyHash !== invitation.policy) throw unproven("the policy is not the invitation's");
  return begun;
}

function showable({ phase, identity, policy: bytes }: Begun): ToActivate {
  if (phase !== "delivered") throw new TerminalError("keyring_phase", "the keyring was activated before: if that was not you, tell its registration authority now", "element");
  const policy = parsePolicy(bytes);
  // No picture leaves a browser: what would sign with it is refused before a PIN is chosen for nothing.
  if (policy.biometric === "face") throw new TerminalError("kind_not_served", "this keyring asks for its holder's face, which this terminal does not take: activate it by `sceau terminal`", "terminal");
  checkIdentity(identity, policy.subject);
  return { identity, policy };
}
