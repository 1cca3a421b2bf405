// A use: the holder reads what is asked, agrees with the PIN, and the element signs what was read, or says who it is, and nothing else. Rules of crates/client/src/terminal/{sign,destroy}.rs.
import type { Fields } from "@sceau/crypto";
import { lockedAsAsked } from "./activate";
import { base64url, type Bytes, fromBase64url, hex, now, utf8 } from "./bytes";
import { type Challenge, judgeProof, outcomeOf, type Place, sadOf, sealInner, transcript, unlockOf, type Used } from "./consent";
import { Conversation } from "./conversation";
import type { RequestKind } from "./documents";
import { TerminalError, unproven } from "./errors";
import type { Carrier } from "./host";
import { type DeviceKey, signJws } from "./jws";
import { sha256 } from "./labels";
import { login, namesOf, type ProvenPin, register, type Registering } from "./opaque";
import { ownAsked } from "./own";
import { type Asked, judge } from "./request";
import type { RoamingKeys } from "./roaming";
import { type BoundTerminal, look, mayTry, namesIn, type Others } from "./state";
import { type Kept, type Loaded, type Opened, type Storage, wipe } from "./storage";
import { loggedIn, registered } from "./stretching";

/** The number of the message that brings the consent: the second, after the login. */
const CONSENT_SEQ = 2;
/** What providers ask: they are to have what comes of it. */
const PROVIDERS: readonly RequestKind[] = ["sign", "authenticate"];

/** What a holder reads before agreeing, all of it. */
export interface ToApprove extends Asked {
  /** What was tried since this terminal's last use, and not by it. */
  readonly others: Others;
  /** Terminals that were added since then. */
  readonly added: readonly BoundTerminal[];
  /** Wrong PINs that are left before the keyring is blocked. */
  readonly left: number;
}

/** Shows what it is given, and gives the PIN where the holder agrees, or null. */
export type Approve = (shown: ToApprove) => Promise<string | null>;

/** A request as its provider signed it, judged by this terminal. */
export async function asked(storage: Storage, jws: string): Promise<Asked> {
  const { kept, policy, actors } = await storage.load();
  return judge({ keyring: kept.keyring, origin: kept.origin, policy, actors }, jws, now());
}

/**
 * Has it signed, or said who the holder is, as the request asks; null where the holder does not agree. What the provider is to have is kept until {@link Visitor.deposit} or a
 * later visit brings it.
 * Throws `pin_invalid` where the PIN is wrong; the element's codes; `unproven`.
 */
export async function use(storage: Storage, carrier: Carrier, jws: string, approve: Approve): Promise<Used | null> {
  return useFor(storage, carrier, await asked(storage, jws), approve);
}

/** Ends the keyring, for good, and forgets the terminal. Gives the element's word on it; none where it was destroyed before; null where the holder does not agree. */
export async function destroy(storage: Storage, carrier: Carrier, approve: Approve): Promise<{ proof: string | null } | null> {
  const loaded = await storage.load();
  if ((await look(storage, carrier, loaded)).standing.phase === "destroyed") {
    await storage.forget();
    return { proof: null };
  }
  const used = await useFor(storage, carrier, await ownAsked(loaded, { kind: "destroy", words: "Destroy this keyring, for good." }), approve);
  if (used === null) return null;
  await storage.forget();
  return { proof: used.proof };
}

/** The terminal that is to come, while the PIN is proven. */
export interface Coming {
  readonly terminal: string;
  readonly keys: RoamingKeys;
}

/** Has the holder read, agree and type, and has it done; where `coming` is given, that terminal may come afterwards. */
export async function useFor(storage: Storage, carrier: Carrier, judged: Asked, approve: Approve, coming: Coming | null = null): Promise<Used | null> {
  // Before a PIN is typed: whether it can be, and what others tried meanwhile.
  const loaded = await storage.load();
  if (judged.request.kind !== "destroy") lockedAsAsked(loaded.policy, loaded.locked);
  const state = await look(storage, carrier, loaded, "lastUse");
  mayTry(state);
  const pin = await approve({ ...judged, others: state.others, added: state.added, left: state.standing.tries.left });
  if (pin === null) return null;
  // A use turns the secret: what is turned was read with nobody else at it, and not before the holder read and typed.
  return storage.alone(async () => {
    const used = await prove(storage, carrier, judged, pin, { coming, seen: state.seen });
    await storage.keepKnown(namesIn(state.standing));
    return used;
  });
}

/** What a use is besides its request. */
export interface Besides {
  /** The terminal that may come afterwards. */
  readonly coming: Coming | null;
  /** The newest entry of history that its holder was warned of; null where nobody looked. */
  readonly seen: number | null;
}

/** Proves the PIN, and has done what it is for. Nobody else is at the terminal: who calls sees to it. */
export async function prove(storage: Storage, carrier: Carrier, judged: Asked, pin: string, besides: Besides = { coming: null, seen: null }): Promise<Used> {
  const loaded = await storage.load();
  const open = await storage.open();
  try {
    return await new Use(storage, carrier, loaded, open, judged, besides).run(pin);
  } finally {
    wipe(open.secrets);
  }
}

class Use {
  private readonly kept: Kept;
  private readonly device: DeviceKey;
  private readonly place: Place;

  constructor(
    private readonly storage: Storage,
    private readonly carrier: Carrier,
    loaded: Loaded,
    private readonly open: Opened,
    private readonly judged: Asked,
    private readonly besides: Besides,
  ) {
    this.kept = loaded.kept;
    this.device = loaded.device;
    this.place = { keyring: this.kept.keyring, terminal: this.kept.terminal, key: fromBase64url(this.kept.key) };
  }

  async run(pin: string): Promise<Used> {
    const { kept, device, storage } = this;
    const { coming } = this.besides;
    const conversation = await Conversation.open(this.carrier, kept, kept.image);
    const password = this.open.password(pin);
    const begun = await login(password);
    // The one that is to come has no lock of this device: it proves the PIN alone.
    const registering = coming && (await register(pin));
    const expecting = coming && registering && { terminal: coming.terminal, register: base64url(registering.request) };
    await storage.keepAttempt(hex(sha256(begun.ke1)));
    const ask = { do: "login", keyring: kept.keyring, terminal: kept.terminal, request: this.judged.jws, ke1: base64url(begun.ke1), ...(expecting && { expecting }) };
    const challenge = challengeOf(await conversation.ask(device, ask, "challenge"));
    if (challenge.policy !== hex(sha256(fromBase64url(kept.policy))) || challenge.challenge !== base64url(conversation.nonce)) {
      throw new TerminalError("policy_changed", "the keyring's policy is not the one that was activated");
    }
    const proven = await loggedIn(password, begun, challenge.ke2, namesOf(kept.keyring, kept.terminal, kept.origin));
    if (proven === null) {
      await conversation.ask(device, { do: "failed" }, "noted");
      throw new TerminalError("pin_invalid", "the PIN is wrong; three times, and the keyring is blocked", "element");
    }
    const expected = coming && registering && (await this.expected(pin, coming, registering, challenge));
    return this.consent(conversation, challenge, begun.ke1, proven, expected);
  }

  /** What the element keeps for the terminal that is to come. */
  private async expected(pin: string, { terminal, keys }: Coming, registering: Registering, { expected }: Challenge): Promise<object> {
    const { keyring, origin } = this.kept;
    if (expected === null) throw unproven("the element answered something else");
    const { upload, exported } = await registered(pin, registering, expected, namesOf(keyring, terminal, origin));
    const unlock = unlockOf(exported, keys.secret, { ...this.place, terminal });
    exported.fill(0);
    return { terminal, upload: base64url(upload), proof: base64url(keys.proof), unlock };
  }

  private async consent(conversation: Conversation, challenge: Challenge, ke1: Bytes, proven: ProvenPin, expected: object | null): Promise<Used> {
    const { storage, device, place, judged } = this;
    const { secrets, keep } = this.open;
    // Durable before it is sent. One that is in doubt since the last use is used again: either of the two opens.
    const next = secrets.pending ?? crypto.getRandomValues(new Uint8Array(32));
    await keep({ current: secrets.current, pending: next });
    const opaque = transcript(ke1, challenge.ke2, proven.ke3);
    const consent = sadOf({ place, thumbprint: device.thumbprint, asked: judged, challenge, seq: CONSENT_SEQ, opaque, time: now() });
    const sad = await signJws("sceau-kr-sad", device, utf8(JSON.stringify(consent)));
    const unlock = [secrets.current, ...(secrets.pending === null ? [] : [secrets.pending])].map((secret) => unlockOf(proven.exported, secret, place));
    const inner = await sealInner(proven.session, conversation.context, { sad, unlock, next: unlockOf(proven.exported, next, place), ...(expected && { expected }) });
    proven.session.fill(0);
    proven.exported.fill(0);
    const answer = await conversation.ask(device, { do: "use", ke3: base64url(proven.ke3), inner: base64url(inner) }, "used");
    conversation.end();
    const used = usedOf(answer);
    // A use is spent once it is answered: what the provider is to have is kept before whatever else is done with the answer, and may fail.
    if (PROVIDERS.includes(judged.request.kind)) await storage.keepUndelivered(judged.request.request, outcomeOf(used, this.kept));
    await keep({ current: next, pending: null });
    next.fill(0);
    const time = await judgeProof(used, { asked: judged, place, word: this.kept.word, sad });
    // Not the index of the use: what a copy tries while the holder reads and types is before that one, and nobody saw it.
    await storage.keepUse(this.besides.seen ?? used.index, time);
    await this.complete(used);
    return used;
  }

  /** Keeps the certificate, where the activation that should have brought it was not answered. */
  private async complete(used: Used): Promise<void> {
    if (this.kept.certificate === null && used.certificate !== null) {
      await this.storage.keep({ ...this.kept, certificate: used.certificate, chain: used.chain });
    }
  }
}

function challengeOf(fields: Fields): Challenge {
  return {
    ke2: fields.bytes("ke2"),
    version: fields.integer("version"),
    hash: fields.hash("hash"),
    policy: fields.hash("policy"),
    challenge: fields.text("challenge"),
    expected: fields.has("expected") ? fields.bytes("expected") : null,
  };
}

const usedOf = (fields: Fields): Used => ({
  signatures: fields.list("signatures").map((signature) => fromBase64url(String(signature))),
  index: fields.integer("index"),
  proof: fields.text("proof"),
  certificate: fields.textOrNull("certificate"),
  chain: fields.list("chain").map(String),
});
