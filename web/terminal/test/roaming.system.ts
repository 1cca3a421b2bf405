// A keyring on several terminals, against a real element behind a real host: this one, another one of these, and `sceau terminal`.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  activate, admit, awaitComing, awaitJoined, type Became, type Carrier, type Chosen, codeOf, dissociate, type Here, isShown, join, letCome, look, parseFactor, parseInvitation, parseRoamingCode,
  Storage, suspend, type TerminalState, type ToJoin, use, Visitor, withdraw,
} from "../src";
import { drawer, type Drawer } from "./drawer";
import { House } from "./house";

const PIN = "402917385516";
const WRONG = "999999999999";
const COPY = { roaming: "copy", terminals_most: 3 };
const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "done", codeOf);
const typed = (pin: string) => (): Promise<string> => Promise.resolve(pin);
const agreed = (pin = PIN) => (): Promise<Chosen> => Promise.resolve({ pin, locked: false });

/** A text that comes later. */
function later(): { readonly promise: Promise<string>; readonly resolve: (text: string) => void; readonly reject: (error: unknown) => void } {
  let [resolve, reject]: [(text: string) => void, (error: unknown) => void] = [() => undefined, () => undefined];
  const promise = new Promise<string>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

const running: House[] = [];
afterAll(() => {
  for (const house of running) house.end();
});
async function house(policy: object): Promise<House> {
  const started = await House.start(policy);
  running.push(started);
  return started;
}

/** A device: its database, and where it is. */
let devices = 0;
function device(): Here {
  devices += 1;
  const image = devices.toString(16).padStart(2, "0").repeat(32);
  return { cabinet: drawer(), environment: () => Promise.resolve(image), lock: null };
}
const at = ({ cabinet, environment, lock }: Here, keyring: string): Storage => new Storage(cabinet, environment, keyring, lock);

interface Bound {
  readonly house: House;
  readonly carrier: Carrier;
  readonly id: string;
  readonly here: Here;
  readonly storage: Storage;
}

async function activated(of: House, name: string): Promise<Bound> {
  const handed = of.handOver(name, "Marie Curie");
  const here = device();
  const carrier = of.carrier();
  await activate(at(here, handed.id), { carrier, origin: of.url }, parseInvitation(handed.invitation), { code: parseFactor(handed.code, 20), second: null }, agreed());
  return { house: of, carrier, id: handed.id, here, storage: at(here, handed.id) };
}

async function signs({ house: of, carrier, id, storage }: Bound, request = of.leave(id, "Le bail du 12 mars", { "lease.pdf": "a lease" }), pin = PIN): Promise<boolean> {
  const visitor = await Visitor.at(storage, carrier);
  const used = await use(storage, carrier, await visitor.fetch(request), typed(pin));
  if (used !== null) await visitor.deposit(request);
  return of.outcome(request).state === "signed" && of.verifies(request, "lease.pdf");
}

const stateOf = async ({ storage, carrier }: Bound): Promise<TerminalState> => look(storage, carrier, await storage.load());

/** The code of a terminal that has another one come. */
async function shown({ storage, carrier }: Bound): Promise<string> {
  const text = await letCome(storage, carrier, ({ request }) => {
    expect([request.kind, request.terminal]).toEqual(["roam", null]);
    return Promise.resolve(PIN);
  });
  if (text === null) throw new Error("the holder agreed");
  expect(text).toMatch(/^(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}$/);
  return text;
}

/** Another terminal comes, as its holder has it do: both ends at once. */
async function brought(source: Bound, approve: (shown: ToJoin) => Promise<Chosen | null> = agreed(), here = device()): Promise<{ bound: Bound; became: Became }> {
  const { house: of, carrier } = source;
  const text = await shown(source);
  const short = later();
  const joined = join(here, { carrier, origin: of.url }, parseRoamingCode(text), short.resolve, approve);
  joined.catch(short.reject);
  const came = await awaitComing(source.storage, carrier);
  expect([isShown(came, await short.promise), isShown(came, "0000-0000"), isShown(came, "")]).toEqual([true, false, false]);
  await admit(source.storage, carrier, came);
  const [keyring, became] = await Promise.all([joined, awaitJoined(source.storage, carrier)]);
  if (keyring === null) throw new Error("the holder agreed");
  return { bound: { ...source, id: keyring, here, storage: at(here, keyring) }, became };
}

describe("a keyring on several terminals", () => {
  let copies: House;
  beforeAll(async () => void (copies = await house(COPY)));

  it("comes to another terminal by a code, a short code on both, and the PIN; both sign, and each warns of what is new", async () => {
    const source = await activated(copies, "copy");
    const read: ToJoin[] = [];
    const { bound: other, became } = await brought(source, (one) => {
      read.push(one);
      return Promise.resolve({ pin: PIN, locked: false });
    });
    expect([became, other.id]).toEqual(["joined", source.id]);
    expect(read.map(({ identity, policy, problem }) => [identity.common_name, policy.name, problem])).toEqual([["Marie Curie", "Signature des baux", null]]);
    expect([await signs(other), await signs(source), await signs(other)]).toEqual([true, true, true]);
    const state = await stateOf(source);
    expect([state.standing.terminals.length, state.standing.terminals.every(({ provisional }) => !provisional), state.added]).toEqual([2, true, []]);
    expect(state.others.attempts).toEqual([]);
    // A third one: the second was not asked, and warns.
    await brought(source);
    const warned = await stateOf(other);
    expect(warned.added.length).toBe(1);
    await signs(other);
    expect((await stateOf(other)).added).toEqual([]);
    expect(await code(letCome(source.storage, source.carrier, typed(PIN)))).toBe("keyring_phase");
  });

  it("takes a wrong PIN at the new terminal and asks again, as long as tries are left; the others see it", async () => {
    const source = await activated(copies, "again");
    const problems: (string | null)[] = [];
    const { bound } = await brought(source, ({ problem }) => {
      problems.push(problem?.code ?? null);
      return Promise.resolve({ pin: problems.length < 3 ? WRONG : PIN, locked: false });
    });
    expect(problems).toEqual([null, "pin_invalid", "pin_invalid"]);
    expect(await signs(bound)).toBe(true);
  });

  it("ends with the third wrong PIN: the keyring is blocked, and nothing lies at the new terminal", async () => {
    const source = await activated(copies, "blocked");
    const here = device();
    expect(await code(brought(source, agreed(WRONG), here))).toBe("pin_invalid");
    expect(await here.cabinet.names()).toEqual([]);
    expect((await stateOf(source)).standing.phase).toBe("blocked");
  });

  it("is nobody's who gives up before the PIN, or whose code was taken back", async () => {
    const source = await activated(copies, "back");
    const text = await shown(source);
    await withdraw(source.storage, source.carrier);
    const host = { carrier: source.carrier, origin: copies.url };
    const never = (): Promise<never> => Promise.reject(new Error("nothing is shown"));
    const late = device();
    expect(await code(join(late, host, parseRoamingCode(text), () => undefined, never))).toBe("roaming_invalid");
    expect(await late.cabinet.names()).toEqual([]);
    expect(await code(awaitComing(source.storage, source.carrier))).toBe("roaming_over");
    // Taken back while the new terminal waits to be compared.
    const short = later();
    const joined = code(join(late, host, parseRoamingCode(await shown(source)), short.resolve, never));
    await short.promise;
    await withdraw(source.storage, source.carrier);
    expect(await joined).toBe("roaming_over");
    expect(await late.cabinet.names()).toEqual([]);
    expect(await signs(source)).toBe(true);
  });

  it("lets neither of two terminals in that come with one code, and says so where it was shown", async () => {
    const source = await activated(copies, "two");
    const text = await shown(source);
    const host = { carrier: source.carrier, origin: copies.url };
    const short = later();
    const [first, second] = [device(), device()];
    const waits = code(join(first, host, parseRoamingCode(text), short.resolve, agreed()));
    await short.promise;
    expect(await code(join(second, host, parseRoamingCode(text), () => undefined, agreed()))).toBe("roaming_taken");
    expect([await waits, await code(awaitComing(source.storage, source.carrier))]).toEqual(["roaming_over", "roaming_taken"]);
    expect([await first.cabinet.names(), await second.cabinet.names()]).toEqual([[], []]);
  });

  it("takes no word of who carries for the element's: not on the element's key, and not on whether it is a terminal", async () => {
    const source = await activated(copies, "between");
    const other = device();
    const text = await shown(source);
    // A host that names a key of its own has no code to prove.
    const false_ = Buffer.alloc(1216, 7).toString("base64url");
    const carrier: Carrier = { ...source.carrier, get: async (path) => ({ ...((await source.carrier.get(path)) as object), channel: false_ }) };
    expect(await code(join(other, { carrier, origin: copies.url }, parseRoamingCode(text), () => undefined, agreed()))).toBe("channel_other_element");
    // A host that drops the answer to the PIN, and says in clear that it knows no such context: this is a terminal all the same.
    const short = later();
    let typing = false;
    const cut: Carrier = {
      ...source.carrier,
      post: async (path, body) => {
        const answer = await source.carrier.post(path, body);
        if (typing && path.endsWith("/messages") && (body as { seq: number }).seq === 2) return source.carrier.post("/v1/keyrings/messages", { context: "AAAAAAAAAAAAAAAAAAAAAA", seq: 2, sealed: "AAAA" });
        return answer;
      },
    };
    const joined = code(join(other, { carrier: cut, origin: copies.url }, parseRoamingCode(text), short.resolve, () => {
      typing = true;
      return Promise.resolve({ pin: PIN, locked: false });
    }));
    joined.catch(short.reject);
    await short.promise;
    await admit(source.storage, source.carrier, await awaitComing(source.storage, source.carrier));
    expect([await joined, await awaitJoined(source.storage, source.carrier)]).toEqual(["context_unknown", "joined"]);
    expect(await signs({ ...source, here: other, storage: at(other, source.id) })).toBe(true);
  });

  it("hides none of what was tried while another terminal came: a copy's attempt is shown before the next PIN", async () => {
    const source = await activated(copies, "meanwhile");
    const lies = (source.here.cabinet as Drawer).copy();
    const twin = { ...source, storage: at({ ...source.here, cabinet: drawer(lies) }, source.id) };
    const here = device();
    const short = later();
    const joined = join(here, { carrier: source.carrier, origin: copies.url }, parseRoamingCode(await shown(source)), short.resolve, agreed());
    joined.catch(short.reject);
    await short.promise;
    const request = copies.leave(source.id, "Un bail", { "lease.pdf": "a lease" });
    expect(await code(signs(twin, request, WRONG))).toBe("pin_invalid");
    await admit(source.storage, source.carrier, await awaitComing(source.storage, source.carrier));
    expect([await joined, await awaitJoined(source.storage, source.carrier)]).toEqual([source.id, "joined"]);
    const { others, added } = await stateOf(source);
    expect([others.attempts.map(({ ended }) => ended), added]).toEqual([["wrong"], []]);
    // The new one is told of it as of another terminal's.
    const there = await stateOf({ ...source, storage: at(here, source.id) });
    expect([there.others.attempts, there.others.elsewhere.length, there.added]).toEqual([[], 0, []]);
  });

  it("is taken off by its holder: from then on nothing is heard from it, and itself it forgets all", async () => {
    const source = await activated(copies, "off");
    const { bound: other } = await brought(source);
    const { kept } = await other.storage.load();
    const done = await dissociate(source.storage, source.carrier, kept.terminal, ({ request }) => {
      expect([request.kind, request.terminal]).toEqual(["dissociate", kept.terminal]);
      return Promise.resolve(PIN);
    });
    expect([done?.waits, done?.own, done?.proof.split(".").length]).toEqual([false, false, 3]);
    expect([await code(stateOf(other)), await code(suspend(other.storage, other.carrier, "lost"))]).toEqual(["terminal_dissociated", "terminal_dissociated"]);
    expect(await signs(source)).toBe(true);
    expect((await stateOf(source)).standing.former.map(({ terminal, left }) => [terminal, left])).toEqual([[kept.terminal, "dissociated"]]);
    // The last one is not; of two, one takes itself off.
    const own = (await source.storage.load()).kept.terminal;
    expect(await code(dissociate(source.storage, source.carrier, own, typed(PIN)))).toBe("keyring_phase");
    const { bound: last } = await brought(source);
    expect((await dissociate(source.storage, source.carrier, own, typed(PIN)))?.own).toBe(true);
    expect(await source.here.cabinet.names()).toEqual([]);
    expect(await signs(last)).toBe(true);
  });

  it("goes on beside `sceau terminal`, whichever of the two has it first", async () => {
    const source = await activated(copies, "program");
    const text = await shown(source);
    const joining = copies.joining("program.first", text, PIN);
    const came = await awaitComing(source.storage, source.carrier);
    expect(isShown(came, await joining.short)).toBe(true);
    await admit(source.storage, source.carrier, came);
    const [said, became] = await Promise.all([joining.ended, awaitJoined(source.storage, source.carrier)]);
    expect([(JSON.parse(said) as { keyring: string }).keyring, became]).toEqual([source.id, "joined"]);
    // And back, to a third one.
    copies.terminal("program.first", "roam", "--no-wait", "--code-file", copies.at("program.roam"), "--pin-file", copies.at("program.first.pin"));
    const third = device();
    const short = later();
    const joined = join(third, { carrier: source.carrier, origin: copies.url }, parseRoamingCode(copies.read("program.roam")), short.resolve, agreed());
    joined.catch(short.reject);
    const confirmed = copies.confirming("program.first", await short.promise);
    expect([await joined, (JSON.parse(await confirmed) as { became: string }).became]).toEqual([source.id, "joined"]);
    expect(await signs({ ...source, here: third, storage: at(third, source.id) })).toBe(true);
  });

  it("moves, where the policy says so: the first terminal is none from the same step on, and forgets all", async () => {
    const source = await activated(await house({ roaming: "move" }), "move");
    const before = await source.storage.load();
    const { bound: other, became } = await brought(source);
    expect([became, await source.here.cabinet.names()]).toEqual(["moved", []]);
    expect(await signs(other)).toBe(true);
    expect((await stateOf(other)).standing.terminals.length).toBe(1);
    expect(before.kept.terminal).not.toBe((await other.storage.load()).kept.terminal);
  });

  it("is taken off once support agrees, where the policy says so", async () => {
    const of = await house({ ...COPY, dissociation: "holder_and_support" });
    const source = await activated(of, "joint");
    const { bound: other } = await brought(source);
    const { terminal } = (await other.storage.load()).kept;
    const agree = (): string => of.act("support", "dissociate", source.id, "--terminal", terminal, "--element", of.at("element.json"));
    expect(agree).toThrow("keyring_phase");
    expect((await dissociate(source.storage, source.carrier, terminal, typed(PIN)))?.waits).toBe(true);
    expect((await stateOf(source)).standing.terminals.find((one) => one.terminal === terminal)?.parting).toBeGreaterThan(0);
    expect(await signs(other)).toBe(true);
    agree();
    expect(await code(stateOf(other))).toBe("terminal_dissociated");
    expect(await signs(source)).toBe(true);
  });

  it("comes nowhere, where the policy lets none come", async () => {
    const source = await activated(await house({}), "none");
    expect(await code(letCome(source.storage, source.carrier, typed(PIN)))).toBe("keyring_phase");
  });
});
