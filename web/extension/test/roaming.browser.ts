// The whole life of a keyring over two terminals, each in a Chromium profile of its own with a device of its own, and a third one on the command line: activation, signature,
// roaming with short codes compared, signature and authentication there, one taken off by its holder and support, suspension, end. The first speaks French, the second English.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Handed, House, PROVIDER_NAME } from "../../terminal/test/house";
import { device, type Installed, looks, Machine, type } from "./browser";

const PIN = "402917385516";
const BOTH = ["fr", "en"] as const;

let started: House | undefined;
let house: House;
let machine: Machine;
let [first, second]: Installed[] = [];
let handed: Handed;
/** Pages of the first terminal and of the second. */
let here: Page;
let there: Page;

beforeAll(async () => {
  house = started = await House.start({ roaming: "copy", terminals_most: 3, dissociation: "holder_and_support" });
  machine = new Machine(house.read("host.pem"));
  first = await machine.start("first");
  second = await machine.start("second", { locale: "en-GB" });
  handed = house.handOver("life", "Marie Curie");
  [here, there] = [await first.page(), await second.page()];
  // Before anything is asked of it: each device has a lock of its own, which knows its holder.
  for (const page of [here, there]) await device(page);
});
afterAll(async () => {
  await machine.end();
  started?.end();
});

const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name });
const press = (page: Page, name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
const follow = (page: Page, name: string): Promise<void> => page.getByRole("link", { name, exact: true }).click();

/** To a place of the terminal, anew, in this page: its device stays. */
async function go(page: Page, hash: string): Promise<void> {
  await page.bringToFront();
  for (const to of ["/", hash]) await page.evaluate((at) => void (window.location.hash = at), to);
}

async function keypad(page: Page, title: string, pin: string, go: string): Promise<void> {
  await page.getByRole("heading", { level: 2, name: title }).waitFor();
  await type(page, pin);
  await press(page, go);
}

/** What the host waits for, signed or answered on this page; in the page's words. */
async function answers(page: Page, request: string, words: { asks: string; agree: string; go: string; done: string }, pin = PIN): Promise<void> {
  await go(page, `/k/${handed.id}/r/${request}`);
  await heading(page, words.asks).waitFor();
  await page.locator(".end").scrollIntoViewIfNeeded();
  await press(page, words.agree);
  await keypad(page, words.agree, pin, words.go);
  await heading(page, words.done).waitFor();
}
const FRENCH = { asks: `${PROVIDER_NAME} vous demande`, agree: "Accepter, avec mon code PIN", go: "Accepter", done: "C’est signé" };
const ENGLISH = { asks: `${PROVIDER_NAME} asks you`, agree: "Agree, with my PIN", go: "Agree", done: "It is signed" };
const lease = (): string => house.leave(handed.id, "Le bail du 12 mars\n\n1 250 € par mois", { "lease.pdf": "a lease" });

async function unfold(page: Page, name: string): Promise<void> {
  const folded = page.locator("details", { hasText: name });
  await folded.waitFor();
  if ((await folded.getAttribute("open")) === null) await folded.locator("summary").click();
}

/** The code that the first terminal shows. */
async function shown(): Promise<string> {
  await go(here, `/k/${handed.id}`);
  // Where there is one terminal, its list is folded.
  await unfold(here, "Ses terminaux");
  await follow(here, "L’amener sur un autre terminal");
  await heading(here, "Sur un autre terminal").waitFor();
  await looks(here, "roam", BOTH);
  await press(here, "Montrer le code, avec mon code PIN");
  await keypad(here, "Montrer le code, avec mon code PIN", PIN, "Accepter");
  await heading(here, "Le code pour l’autre terminal").waitFor();
  return (await here.locator(".code span").allTextContents()).join("-");
}

describe("a keyring on two terminals", () => {
  it("is activated on the first, under its device's lock, and signs; the page answers while the PIN is stretched", async () => {
    await go(here, "/add");
    await here.getByLabel("L’invitation", { exact: true }).fill(handed.invitation);
    await here.getByLabel("L’adresse de l’hôte").fill(house.url);
    await here.getByLabel("Le code d’activation").fill(handed.code);
    await press(here, "Continuer");
    await here.getByLabel("Demander aussi le verrou de cet appareil").check();
    await press(here, "C’est moi, choisir un code PIN");
    await keypad(here, "Choisissez votre code PIN", PIN, "Valider");
    const worker = here.waitForEvent("worker");
    await keypad(here, "Encore une fois, le même", PIN, "Valider");
    expect((await worker).url()).toBe(`chrome-extension://${first?.id ?? ""}/stretching.worker.js`);
    expect(await here.evaluate(() => document.querySelector("h1")?.textContent)).toBe("Un instant…");
    await heading(here, "Votre trousseau est à vous").waitFor();
    const request = lease();
    await answers(here, request, FRENCH);
    expect([house.outcome(request).state, house.verifies(request, "lease.pdf")]).toEqual(["signed", true]);
  });

  it("comes to the second by a code and a short code, which is compared; a wrong PIN there ends nothing", async () => {
    const code = await shown();
    expect(code).toMatch(/^(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}$/);
    await looks(here, "roam-code", BOTH);
    await there.bringToFront();
    await press(there, "Bring one from another terminal");
    await looks(there, "join", BOTH);
    await there.getByLabel("The host’s address").or(there.getByLabel("The host's address")).fill(house.url);
    await there.getByLabel("The code that the other terminal shows").fill(code.toLowerCase());
    await press(there, "Continue");
    await heading(there, "The short code").waitFor();
    const short = (await there.locator(".code span").allTextContents()).join("-");
    expect(short).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    await looks(there, "join-short", BOTH);
    await here.bringToFront();
    await heading(here, "Un terminal est venu").waitFor();
    await here.getByLabel("Le code court de l’autre terminal").fill("0000-0000");
    await press(here, "Comparer");
    await here.getByText("Ce n’est pas ce que montre le terminal qui est venu.").waitFor();
    await looks(here, "roam-came", BOTH);
    await here.getByLabel("Le code court de l’autre terminal").fill(short);
    await press(here, "Comparer");
    await heading(here, "C’est bien le même").waitFor();
    await looks(here, "roam-same", BOTH);
    await there.bringToFront();
    await heading(there, "Is this you?").waitFor();
    await there.getByText("Marie Curie").waitFor();
    await looks(there, "join-whose", BOTH);
    await there.getByLabel("Ask for this device’s lock too").or(there.getByLabel("Ask for this device's lock too")).check();
    await press(there, "It is me, type my PIN");
    await keypad(there, "The keyring's PIN", "999999999999", "Enter");
    await there.getByText("The PIN is wrong. It counts as on the other terminal").waitFor();
    await looks(there, "join-wrong", BOTH);
    await keypad(there, "The keyring's PIN", PIN, "Enter");
    await heading(there, "The keyring is here").waitFor();
    await here.bringToFront();
    await heading(here, "L’autre terminal en est un").waitFor();
    await looks(here, "roam-joined", BOTH);
  });

  it("signs on the second, shows there who its holder is, and goes on signing on the first", async () => {
    const request = lease();
    await answers(there, request, ENGLISH);
    expect([house.outcome(request).state, house.verifies(request, "lease.pdf")]).toEqual(["signed", true]);
    const login = house.leaveLogin(handed.id, "Ouvrir votre espace", "session-7");
    await answers(there, login, { ...ENGLISH, done: "You showed who you are" });
    expect(house.outcome(login).state).toBe("signed");
    const other = lease();
    await answers(here, other, FRENCH);
    expect([house.outcome(other).state, house.verifies(other, "lease.pdf")]).toEqual(["signed", true]);
  });

  it("comes to `sceau terminal` too; the second warns of it before the PIN", async () => {
    const code = await shown();
    const program = house.joining("program", code, PIN);
    await heading(here, "Un terminal est venu").waitFor();
    await here.getByLabel("Le code court de l’autre terminal").fill(await program.short);
    await press(here, "Comparer");
    await heading(here, "L’autre terminal en est un").waitFor();
    await program.ended;
    await go(there, `/k/${handed.id}`);
    await there.getByText("The keyring has one more terminal").waitFor();
    await looks(there, "added", BOTH);
    const request = lease();
    await answers(there, request, ENGLISH);
    // Seen, and typed the PIN: it is news no more.
    await go(there, `/k/${handed.id}`);
    await there.getByText("Its terminals").waitFor();
    expect(await there.getByText("The keyring has one more terminal").count()).toBe(0);
    // Three is what the policy allows.
    expect(await there.getByRole("link", { name: "Bring it to another terminal" }).count()).toBe(0);
  });

  it("tells a thief's short code from its holder's, and takes the code back; nobody comes with it", async () => {
    // Of three terminals one is taken off first, so that there is room.
    const off = (house.terminal("program", "dissociate", "--pin-file", house.at("program.pin")) as { terminal: string }).terminal;
    house.act("support", "dissociate", handed.id, "--terminal", off, "--element", house.at("element.json"));
    const code = await shown();
    const thief = house.joining("thief", code, PIN);
    await thief.short;
    await heading(here, "Un terminal est venu").waitFor();
    for (const time of [1, 2, 3]) {
      await here.getByLabel("Le code court de l’autre terminal").fill(`0000-000${time}`);
      await press(here, "Comparer");
    }
    await heading(here, "Un autre terminal que le vôtre est venu").waitFor();
    await looks(here, "roam-differ", BOTH);
    await expect(thief.ended).rejects.toThrow("the other terminal did not confirm this one");
  });

  it("is taken off the first by its holder on the second and by support: the first is none any more, and forgets all", async () => {
    await go(there, `/k/${handed.id}`);
    const one = there.locator("li", { hasText: "Another one" });
    await one.getByRole("link", { name: "Take off" }).click();
    await heading(there, "Take a terminal off").waitFor();
    await looks(there, "off", BOTH);
    const terminal = new URL(there.url()).hash.split("/").at(-1) ?? "";
    await press(there, "Take it off, with my PIN");
    await keypad(there, "Take it off, with my PIN", PIN, "Take off");
    await heading(there, "It was asked for").waitFor();
    await looks(there, "off-waits", BOTH);
    const request = lease();
    await answers(here, request, FRENCH);
    house.act("support", "dissociate", handed.id, "--terminal", terminal, "--element", house.at("element.json"));
    await go(here, `/k/${handed.id}`);
    await here.getByText("Ce terminal n’en est plus un").waitFor();
    await looks(here, "gone", BOTH);
    await press(here, "L’oublier ici");
    await heading(here, "Aucun trousseau ici").waitFor();
    await go(there, `/k/${handed.id}`);
    await unfold(there, "Its terminals");
    await there.getByText("taken off on").first().waitFor();
    await looks(there, "terminals", BOTH);
  });

  it("is suspended on the second, let go on by its authority, and ends there with the PIN", async () => {
    await there.getByText("Suspend", { exact: true }).first().click();
    await there.getByLabel("I lost something").check();
    await press(there, "Suspend");
    await there.getByText("suspended", { exact: true }).first().waitFor();
    house.act("ra", "resume", handed.id, "--reason", "found", "--element", house.at("element.json"));
    const request = lease();
    await answers(there, request, ENGLISH);
    expect(house.outcome(request).state).toBe("signed");
    await go(there, `/k/${handed.id}/destroy`);
    await looks(there, "destroy", BOTH);
    await press(there, "Destroy, with my PIN");
    await keypad(there, "Destroy, with my PIN", PIN, "Destroy");
    await heading(there, "The keyring is destroyed").waitFor();
    await go(there, "/");
    await heading(there, "No keyring here yet").waitFor();
    expect([first?.complaints, second?.complaints]).toEqual([[], []]);
  });
});
