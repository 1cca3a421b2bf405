// The package for Firefox in a real Firefox, against a real element: activation, a signature, and a keyring that came from `sceau terminal`. Run by hand (`npm run firefox`): Firefox is
// not among what the tests of the house need.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Handed, House, PROVIDER_NAME } from "../../terminal/test/house";
import { Firefox } from "./marionette";

const PACKAGE = new URL("../dist/firefox.xpi", import.meta.url).pathname;
const PIN = "402917385516";

let house: House;
let firefox: Firefox;
let handed: Handed;
const running: { end(): void }[] = [];
beforeAll(async () => {
  house = await House.start({ roaming: "copy", terminals_most: 2 });
  running.push(house);
  firefox = await Firefox.start();
  running.push(firefox);
  await firefox.trust(house.read("host.pem"), Number(new URL(house.url).port));
  await firefox.install(PACKAGE);
  handed = house.handOver("firefox", "Marie Curie");
});
afterAll(() => {
  for (const one of running.reverse()) one.end();
});

describe("the terminal in Firefox", () => {
  it("activates a keyring, and signs with it", async () => {
    await firefox.open("#/add");
    await firefox.fill("L’invitation", handed.invitation);
    await firefox.fill("L’adresse de l’hôte", house.url);
    await firefox.fill("Le code d’activation", handed.code);
    await firefox.press("Continuer");
    await firefox.text("dd", "Marie Curie");
    await firefox.press("C’est moi, choisir un code PIN");
    await firefox.text("h2", "Choisissez votre code PIN");
    await firefox.keypad(PIN, "Valider");
    await firefox.text("h2", "Encore une fois, le même");
    await firefox.keypad(PIN, "Valider");
    await firefox.text("h1", "Votre trousseau est à vous");
    const request = house.leave(handed.id, "Le bail du 12 mars", { "lease.pdf": "a lease" });
    await firefox.run("location.hash = arguments[0];", `/k/${handed.id}/r/${request}`);
    await firefox.text("h1", `${PROVIDER_NAME} vous demande`);
    await firefox.run("document.querySelector('.end').scrollIntoView();");
    await firefox.text("button[not(@disabled)]", "Accepter, avec mon code PIN");
    await firefox.press("Accepter, avec mon code PIN");
    await firefox.text("h2", "Accepter, avec mon code PIN");
    await firefox.keypad(PIN, "Accepter");
    await firefox.text("h1", "C’est signé");
    expect([house.outcome(request).state, house.verifies(request, "lease.pdf")]).toEqual(["signed", true]);
  });

  it("brings it to `sceau terminal`, and runs what the package has and nothing else", async () => {
    await firefox.run("location.hash = arguments[0];", `/k/${handed.id}/roam`);
    await firefox.press("Montrer le code, avec mon code PIN");
    await firefox.text("h2", "Montrer le code, avec mon code PIN");
    await firefox.keypad(PIN, "Accepter");
    await firefox.text("h1", "Le code pour l’autre terminal");
    const code = String(await firefox.run("return [...document.querySelectorAll('.code span')].map((one) => one.textContent).join('-');"));
    const program = house.joining("program", code, PIN);
    await firefox.text("h1", "Un terminal est venu");
    await firefox.fill("Le code court de l’autre terminal", await program.short);
    await firefox.press("Comparer");
    await firefox.text("h1", "L’autre terminal en est un");
    expect((JSON.parse(await program.ended) as { keyring: string }).keyring).toBe(handed.id);
    const loaded = (await firefox.run("return performance.getEntriesByType('resource').filter((one) => one.initiatorType !== 'fetch').map((one) => one.name);")) as string[];
    expect(loaded.filter((name) => !name.startsWith("moz-extension://"))).toEqual([]);
  });
});
