// The life of a keyring on this terminal, against a real element behind a real host: the outside judge of what is signed is OpenSSL.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { activate, asked, type Carrier, type Chosen, codeOf, type Factors, destroy, look, type Lock, parseFactor, parseInvitation, Storage, suspend, HostError, TerminalError, type TerminalState, use, Visitor } from "../src";
import { base64url } from "../src/bytes";
import { Conversation } from "../src/conversation";
import { loggedIn, login, namesOf } from "../src/opaque";
import { passwordWith } from "../src/storage";
import { drawer, type Drawer } from "./drawer";
import { type Handed, House, PROVIDER_NAME } from "./house";

const PIN = "402917385516";
const here = (): Promise<string> => Promise.resolve("11".repeat(32));
const elsewhere = (): Promise<string> => Promise.resolve("22".repeat(32));
const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "done", codeOf);
const chosen = (): Promise<Chosen> => Promise.resolve({ pin: PIN, locked: false });
const typed = (pin: string) => (): Promise<string> => Promise.resolve(pin);

let started: House | undefined;
let house: House;
let carrier: Carrier;
beforeAll(async () => {
  house = started = await House.start();
  carrier = house.carrier();
});
afterAll(() => started?.end());

const factorsOf = (handed: Handed): Factors => ({ code: parseFactor(handed.code, 20), second: handed.second === null ? null : parseFactor(handed.second, 16) });

interface Terminal {
  readonly id: string;
  readonly storage: Storage;
  readonly lies: Drawer;
}

async function activated(name: string): Promise<Terminal> {
  const handed = house.handOver(name, "Marie Curie");
  const lies = drawer();
  const storage = new Storage(lies, here, handed.id);
  let shown = "";
  const phase = await activate(storage, { carrier, origin: house.url }, parseInvitation(handed.invitation), factorsOf(handed), ({ identity, policy }) => {
    shown = `${identity.common_name ?? ""}, ${policy.name}, ${policy.pin.least} to ${policy.pin.most}`;
    return Promise.resolve({ pin: PIN, locked: false });
  });
  expect([phase, shown]).toEqual(["active", "Marie Curie, Signature des baux, 6 to 12"]);
  return { id: handed.id, storage, lies };
}

/** Signs what waits under this id, and hands it over. */
async function sign({ storage }: Terminal, request: string, pin = PIN): Promise<void> {
  const visitor = await Visitor.at(storage, carrier);
  const used = await use(storage, carrier, await visitor.fetch(request), typed(pin));
  if (used !== null) await visitor.deposit(request);
}

async function stateOf({ storage }: Terminal): Promise<TerminalState> {
  return look(storage, carrier, await storage.load());
}

const lease = (id: string): string => house.leave(id, "Le bail du 12 mars\n\n1 250 € par mois", { "lease.pdf": "a lease" });

describe("a terminal of a keyring", () => {
  it("signs what waits at the host, once it was shown whole, and again", async () => {
    const terminal = await activated("signs");
    const request = house.leave(terminal.id, "Le bail du 12 mars\n\n1 250 € par mois", { "lease.pdf": "a lease", "annex.pdf": "an annex" });
    const visitor = await Visitor.at(terminal.storage, carrier);
    expect((await visitor.waiting()).map((one) => one.request)).toEqual([request]);
    const used = await use(terminal.storage, carrier, await visitor.fetch(request), (shown) => {
      expect([shown.provider, shown.request.description]).toEqual([PROVIDER_NAME, "Le bail du 12 mars\n\n1 250 € par mois"]);
      expect(shown.request.items.map(({ label }) => label)).toEqual(["lease.pdf", "annex.pdf"]);
      expect([shown.others.attempts, shown.left]).toEqual([[], 3]);
      return Promise.resolve(PIN);
    });
    if (used === null) throw new Error("the holder agreed");
    await visitor.deposit(request);
    expect(house.outcome(request).state).toBe("signed");
    const verified = ["sig.1 lease.pdf", "sig.2 annex.pdf", "sig.1 annex.pdf"].map((two) => two.split(" ")).map(([sig = "", file = ""]) => house.verifies(request, file, sig));
    expect(verified).toEqual([true, true, false]);
    expect(await visitor.waiting()).toEqual([]);
    expect(await terminal.storage.undelivered()).toEqual([]);
    // The secret has turned; the next use turns it again.
    await sign(terminal, lease(terminal.id));
    expect((await stateOf(terminal)).others.attempts).toEqual([]);
  });

  it("says who its holder is, where the policy has that told", async () => {
    const terminal = await activated("login");
    const request = house.leaveLogin(terminal.id, "Ouvrir votre espace", "session-7");
    const visitor = await Visitor.at(terminal.storage, carrier);
    expect((await asked(terminal.storage, await visitor.fetch(request))).told).toEqual(["common_name"]);
    await sign(terminal, request);
    expect(house.outcome(request).state).toBe("signed");
  });

  it("says no, and reports who should not have asked", async () => {
    const terminal = await activated("no");
    const [one, other] = [lease(terminal.id), lease(terminal.id)];
    const visitor = await Visitor.at(terminal.storage, carrier);
    await visitor.reject(one);
    await visitor.report(other, "stranger");
    expect([house.outcome(one).state, house.outcome(other).state]).toEqual(["rejected", "rejected"]);
    expect(await visitor.waiting()).toEqual([]);
    // Who does not agree at the PIN has begun nothing.
    const third = lease(terminal.id);
    expect(await use(terminal.storage, carrier, await visitor.fetch(third), () => Promise.resolve(null))).toBeNull();
    expect((await stateOf(terminal)).standing.tries).toEqual({ wrong: 0, left: 3, unfinished: 0, coolsUntil: null });
  });

  it("counts wrong PINs, and three block it", async () => {
    const terminal = await activated("wrong");
    const request = lease(terminal.id);
    const jws = await (await Visitor.at(terminal.storage, carrier)).fetch(request);
    for (const left of [2, 1]) {
      expect(await code(sign(terminal, request, "999999999999"))).toBe("pin_invalid");
      const state = await stateOf(terminal);
      expect([state.standing.tries.left, state.standing.tries.unfinished, state.others.attempts]).toEqual([left, 0, []]);
    }
    expect(await code(sign(terminal, request, "999999999998"))).toBe("pin_invalid");
    expect((await stateOf(terminal)).standing.phase).toBe("blocked");
    expect(await code(use(terminal.storage, carrier, jws, typed(PIN)))).toBe("keyring_blocked");
    // Its host hears it no more.
    expect(await code(sign(terminal, request))).toBe("keyring_phase");
  });

  it("refuses its copy elsewhere; a copy here shows what it tried, and goes stale at the holder's next use", async () => {
    const terminal = await activated("copied");
    const copy = new Storage(drawer(terminal.lies.copy()), elsewhere, terminal.id);
    expect(await code(copy.load())).toBe("terminal_changed");
    // Whoever forges what the copy says of where it is says it to the element, too, or is another one there.
    const kept = (await terminal.storage.load()).kept;
    const forged = terminal.lies.copy();
    forged.set(`${terminal.id}/kept`, { ...kept, image: "22".repeat(32) });
    expect(await code(stateOf({ ...terminal, storage: new Storage(drawer(forged), elsewhere, terminal.id) }))).toBe("terminal_altered");
    const twin = { ...terminal, storage: new Storage(drawer(terminal.lies.copy()), here, terminal.id) };
    const request = lease(terminal.id);
    expect(await code(sign(twin, request, "999999999999"))).toBe("pin_invalid");
    expect((await stateOf(terminal)).others.attempts.map(({ ended }) => ended)).toEqual(["wrong"]);
    await sign(terminal, request);
    expect(await code(sign(twin, lease(terminal.id)))).toBe("secret_stale");
    expect((await stateOf(terminal)).others.attempts.map(({ ended, code: why }) => [ended, why])).toEqual([["refused", "secret_stale"]]);
  });

  it("asks for the device's lock at each use, where its holder wants that: a copy of all that lies here opens on no other device", async () => {
    const handed = house.handOver("locked", "Marie Curie");
    const lies = drawer();
    let asks = 0;
    const device = (secret: number, knows = true): Lock => ({
      make: () => Promise.resolve(new Uint8Array([1, 2, 3])),
      open: () => {
        asks += 1;
        return knows ? Promise.resolve(new Uint8Array(32).fill(secret)) : Promise.reject(new TerminalError("terminal_locked"));
      },
    });
    const storage = new Storage(lies, here, handed.id, device(7));
    await activate(storage, { carrier, origin: house.url }, parseInvitation(handed.invitation), factorsOf(handed), () => Promise.resolve({ pin: PIN, locked: true }));
    const terminal = { id: handed.id, storage, lies };
    asks = 0;
    await stateOf(terminal);
    expect([(await storage.load()).locked, asks]).toEqual([true, 0]);
    await sign(terminal, lease(terminal.id));
    await sign(terminal, lease(terminal.id));
    expect(asks).toBe(2);
    const copied = (lock: Lock | null): Terminal => ({ ...terminal, storage: new Storage(drawer(lies.copy()), here, terminal.id, lock) });
    expect(await code(sign(copied(null), lease(terminal.id)))).toBe("terminal_locked");
    expect(await code(sign(copied(device(7, false)), lease(terminal.id)))).toBe("terminal_locked");
    expect(await code(sign(copied(device(8)), lease(terminal.id)))).toBe("terminal_damaged");
    // None of them began an attempt.
    expect((await stateOf(terminal)).others.attempts).toEqual([]);
    // Who leaves this program aside, and signs with the device's key, tries no PIN either: the right one, without what the device gives, is a wrong one.
    const { kept, device: key } = await storage.load();
    const request = await (await Visitor.at(storage, carrier)).fetch(lease(terminal.id));
    const tries = async (password: string): Promise<boolean> => {
      const conversation = await Conversation.open(carrier, kept, kept.image);
      const begun = await login(password);
      const answer = await conversation.ask(key, { do: "login", keyring: kept.keyring, terminal: kept.terminal, request, ke1: base64url(begun.ke1) }, "challenge");
      const right = loggedIn(password, begun, answer.bytes("ke2"), namesOf(kept.keyring, kept.terminal, kept.origin)) !== null;
      await conversation.ask(key, { do: "failed" }, "noted");
      return right;
    };
    expect([await tries(PIN), await tries(passwordWith(new Uint8Array(32).fill(7))(PIN))]).toEqual([false, true]);
  });

  it("hands over at the next visit what did not arrive", async () => {
    const terminal = await activated("late");
    const request = lease(terminal.id);
    const cut: Carrier = { ...carrier, post: (path, body) => (path.endsWith("/visits") ? Promise.reject(new Error("cut")) : carrier.post(path, body)) };
    const visitor = await Visitor.at(terminal.storage, carrier);
    const jws = await visitor.fetch(request);
    const used = await use(terminal.storage, cut, jws, typed(PIN));
    if (used === null) throw new Error("the holder agreed");
    await expect((await Visitor.at(terminal.storage, cut)).deposit(request)).rejects.toThrow("cut");
    expect(house.outcome(request).state).toBe("pending");
    await Visitor.at(terminal.storage, carrier);
    expect(house.outcome(request).state).toBe("signed");
  });

  it("takes up a keyring again whose activation was lost on the way, by the same code, and no other", async () => {
    const handed = house.handOver("lost", "Marie Curie");
    const invitation = parseInvitation(handed.invitation);
    const storage = new Storage(drawer(), here, handed.id);
    // The host drops what would have bound the terminal.
    const drops: Carrier = { ...carrier, pause: () => Promise.resolve(), post: (path, body) => ((body as { seq?: number }).seq === 2 ? Promise.reject(new HostError("unreachable", "", 0)) : carrier.post(path, body)) };
    expect(await code(activate(storage, { carrier: drops, origin: house.url }, invitation, factorsOf(handed), chosen))).toBe("unreachable");
    expect(await storage.exists()).toBe(true);
    // Two windows at once: one of them finds the other's terminal, and takes it for what it is.
    let other = "";
    const slow = async (): Promise<Chosen> => {
      other = await code(activate(storage, { carrier, origin: house.url }, invitation, factorsOf(handed), chosen));
      return { pin: PIN, locked: false };
    };
    expect([await code(activate(storage, { carrier, origin: house.url }, invitation, factorsOf(handed), slow)), other]).toEqual(["terminal_exists", "done"]);
    await sign({ id: handed.id, storage, lies: drawer() }, lease(handed.id));
  });

  it("takes of the host what is the host's to say, and shows nothing that it makes up", async () => {
    const terminal = await activated("voice");
    const request = lease(terminal.id);
    const says = (answer: () => Promise<unknown>): Carrier => ({ ...carrier, post: (path, body) => (path.endsWith("/visits") ? answer() : carrier.post(path, body)) });
    const waiting = async (of: Carrier): Promise<string> => code((await Visitor.to(terminal.storage, of)).waiting());
    for (const claimed of ["keyring_destroyed", "secret_stale", "terminal_changed", "pin_invalid", "keyring_blocked", "terminal_dissociated"]) {
      const visitor = await Visitor.to(terminal.storage, says(() => Promise.reject(new HostError(claimed, "words", 410))));
      await expect(visitor.waiting(), claimed).rejects.toMatchObject({ code: "unproven", by: "host" });
      await expect(visitor.reject(request), claimed).rejects.toMatchObject({ code: "unproven", by: "host" });
    }
    expect(await waiting(says(() => Promise.reject(new HostError("keyring_phase", "", 409))))).toBe("keyring_phase");
    const lists = (requests: unknown[]): Carrier => says(() => Promise.resolve({ requests }));
    expect(await waiting(lists([{ request: "Votre trousseau sera détruit ce soir. Appelez le 01 23 45 67 89.", ends: 1 }]))).toBe("unproven");
    expect(await waiting(lists([{ request: `${request}/../../add`, ends: 1 }]))).toBe("unproven");
    expect(await waiting(lists([{ request, ends: 9e15 }]))).toBe("unproven");
    const many = Array.from({ length: 1000 }, () => ({ request: crypto.randomUUID(), ends: 1 }));
    expect((await (await Visitor.to(terminal.storage, lists(many))).waiting()).length).toBe(16);
    expect((await (await Visitor.to(terminal.storage, carrier)).waiting()).map((one) => one.request)).toEqual([request]);
  });

  it("is believed by no host: what is altered on the way is refused here", async () => {
    const terminal = await activated("between");
    const request = lease(terminal.id);
    const jws = await (await Visitor.at(terminal.storage, carrier)).fetch(request);
    const [header = "", payload = "", signature = ""] = jws.split(".");
    const said = JSON.parse(Buffer.from(payload, "base64url").toString()) as { description: string };
    const altered = Buffer.from(JSON.stringify({ ...said, description: "Un autre bail" })).toString("base64url");
    expect(await code(asked(terminal.storage, `${header}.${altered}.${signature}`))).toBe("unproven");
    // A host that answers of itself that the keyring is blocked is not the element.
    const liar: Carrier = { ...carrier, post: async (path, body) => (path.endsWith("/messages") ? carrier.post("/v1/keyrings/nowhere", body) : carrier.post(path, body)) };
    expect(await code(use(terminal.storage, liar, jws, typed(PIN)))).toBe("unproven");
    // Another element's offer is not sealed to.
    const stranger: Carrier = { ...carrier, post: async (path, body) => ({ ...(await carrier.post(path, body) as object), ...(path.endsWith("/contexts") ? { channel: Buffer.alloc(1216, 7).toString("base64url") } : {}) }) };
    expect(await code(use(terminal.storage, stranger, jws, typed(PIN)))).toBe("channel_other_element");
  });

  it("is suspended by its holder, and destroyed with the PIN", async () => {
    const suspended = await activated("stopped");
    const waits = lease(suspended.id);
    const jws = await (await Visitor.at(suspended.storage, carrier)).fetch(waits);
    await suspend(suspended.storage, carrier, "suspected");
    expect((await stateOf(suspended)).standing.suspended).toEqual({ by: "holder", reason: "suspected" });
    expect(await code(use(suspended.storage, carrier, jws, typed(PIN)))).toBe("keyring_suspended");
    const ended = await activated("ended");
    const done = await destroy(ended.storage, carrier, (shown) => {
      expect([shown.request.kind, shown.provider]).toEqual(["destroy", "Signature des baux"]);
      return Promise.resolve(PIN);
    });
    expect(done?.proof?.split(".").length).toBe(3);
    expect(await ended.lies.names()).toEqual([]);
  });

  it("does not activate with another code, nor twice", async () => {
    const handed = house.handOver("codes", "Marie Curie");
    const invitation = parseInvitation(handed.invitation);
    const storage = new Storage(drawer(), here, handed.id);
    const wrong = { code: parseFactor("0000-0000-0000-0000-0000", 20), second: null };
    const never = (): Promise<never> => Promise.reject(new Error("nothing is shown to who has not the code"));
    expect(await code(activate(storage, { carrier, origin: house.url }, invitation, wrong, never))).toBe("factor_invalid");
    await activate(storage, { carrier, origin: house.url }, invitation, factorsOf(handed), chosen);
    const thief = new Storage(drawer(), elsewhere, handed.id);
    expect(await code(activate(thief, { carrier, origin: house.url }, invitation, factorsOf(handed), never))).not.toBe("done");
    expect(await code(activate(storage, { carrier, origin: house.url }, invitation, factorsOf(handed), never))).toBe("terminal_exists");
  });

  it("is no terminal of a keyring whose policy asks for the fingerprint but under the lock of a device", async () => {
    house.publish({ biometric: "fingerprint" });
    const handed = house.handOver("fingerprint", "Marie Curie");
    const lock: Lock = { make: () => Promise.resolve(new Uint8Array([1])), open: () => Promise.resolve(new Uint8Array(32).fill(7)) };
    const lies = drawer();
    const storage = new Storage(lies, here, handed.id, lock);
    const activates = (locked: boolean): Promise<string | null> =>
      activate(storage, { carrier, origin: house.url }, parseInvitation(handed.invitation), factorsOf(handed), ({ policy }) => {
        expect(policy.biometric).toBe("fingerprint");
        return Promise.resolve({ pin: PIN, locked });
      });
    expect(await code(activates(false))).toBe("fingerprint_missing");
    expect(await lies.names()).toEqual([]);
    expect(await activates(true)).toBe("active");
    await sign({ id: handed.id, storage, lies }, lease(handed.id));
    // One that an earlier version made without it.
    const unlocked = drawer(lies.copy());
    await unlocked.remove([`${handed.id}/lock`]);
    expect(await code(sign({ id: handed.id, storage: new Storage(unlocked, here, handed.id, lock), lies: unlocked }, lease(handed.id)))).toBe("fingerprint_missing");
  });
});
