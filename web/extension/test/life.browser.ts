// A keyring's whole life in the extension, in a real Chromium, against a real element behind a real host. OpenSSL judges what is signed.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Handed, House, PROVIDER_NAME } from "../../terminal/test/house";
import { device, type Installed, looks, Machine, type } from "./browser";

const PIN = "402917385516";
const LONG = Array.from({ length: 40 }, (_, at) => `Article ${at + 1} : le loyer est de 1 250 € par mois.`).join("\n");

let started: House | undefined;
let house: House;
let machine: Machine;
let browser: Installed;
let handed: Handed;
let page: Page;

beforeAll(async () => {
  house = started = await House.start();
  machine = new Machine(house.read("host.pem"));
  browser = await machine.start("holder");
  handed = house.handOver("life", "Marie Curie");
  page = await browser.page();
});
afterAll(async () => {
  await machine.end();
  started?.end();
});

const lease = (description = "Le bail du 12 mars\n\n1 250 € par mois"): string => house.leave(handed.id, description, { "lease.pdf": "a lease" });
const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name });

async function read(request: string): Promise<void> {
  await page.goto(`chrome-extension://${browser.id}/terminal.html#/k/${handed.id}`);
  await page.locator("li", { hasText: request }).getByRole("link", { name: "Lire la demande" }).click();
  await heading(`${PROVIDER_NAME} vous demande`).waitFor();
}

async function agree(pin: string): Promise<void> {
  await page.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
  await page.getByRole("heading", { name: "Accepter, avec mon code PIN" }).waitFor();
  await type(page, pin);
  await page.getByRole("button", { name: "Accepter", exact: true }).click();
}

describe("the terminal in a browser", () => {
  it("activates: invitation, code, whose it is, and a PIN chosen twice on a keypad", async () => {
    await heading("Aucun trousseau ici").waitFor();
    await looks(page, "empty");
    await page.getByRole("button", { name: "Activer un trousseau" }).click();
    await page.getByLabel("L’invitation", { exact: true }).fill(handed.invitation);
    await page.getByLabel("L’adresse de l’hôte").fill(house.url);
    await page.getByLabel("Le code d’activation").fill("0000-0000-0000-0000-0000");
    await looks(page, "activate");
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.getByText("Le code n’est pas celui de cette invitation.").waitFor();
    await page.getByLabel("Le code d’activation").fill(handed.code);
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.getByText("Marie Curie").waitFor();
    await looks(page, "whose");
    await page.getByRole("button", { name: "C’est moi, choisir un code PIN" }).click();
    await type(page, "123456");
    await page.getByRole("button", { name: "Valider" }).click();
    await page.getByText("Des chiffres tous pareils, ou qui se suivent").waitFor();
    await type(page, PIN);
    await looks(page, "keypad");
    await page.getByRole("button", { name: "Valider" }).click();
    await page.getByRole("heading", { name: "Encore une fois, le même" }).waitFor();
    await type(page, PIN);
    await page.getByRole("button", { name: "Valider" }).click();
    await heading("Votre trousseau est à vous").waitFor();
    await page.getByRole("link", { name: "Ce qui attend" }).click();
    await heading("Signature des baux").waitFor();
  });

  it("keeps a key that nothing takes out, and its secret under another", async () => {
    const kept = await page.evaluate(async (keyring) => {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open("sceau-terminal");
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error("no database"));
      });
      const get = (name: string): Promise<unknown> => new Promise((resolve) => {
        const request = database.transaction("entries").objectStore("entries").get(`${keyring}/${name}`);
        request.onsuccess = () => resolve(request.result);
      });
      const { privateKey } = (await get("device")) as { privateKey: CryptoKey };
      const wrapping = (await get("wrapping")) as CryptoKey;
      const taken = async (key: CryptoKey, format: "pkcs8" | "raw"): Promise<string> => crypto.subtle.exportKey(format, key).then(() => "taken", (error: unknown) => (error as Error).name);
      return [privateKey.extractable, wrapping.extractable, await taken(privateKey, "pkcs8"), await taken(wrapping, "raw")];
    }, handed.id);
    expect(kept).toEqual([false, false, "InvalidAccessError", "InvalidAccessError"]);
  });

  it("shows a request as it arrives, whole, and agrees to none that was not read to its end", async () => {
    await page.getByText("Rien n’attend votre réponse").waitFor();
    const request = lease(LONG);
    await page.locator("li", { hasText: request }).waitFor();
    await looks(page, "waiting");
    // Woken by its alarm, the extension says how many wait, and notifies of an id and nothing else.
    await browser.wake();
    await expect.poll(() => browser.shows(), { timeout: 10_000 }).toEqual({ badge: "1", told: [`${handed.id}/${request}`] });
    await read(request);
    const yes = page.getByRole("button", { name: "Accepter, avec mon code PIN" });
    expect(await yes.isDisabled()).toBe(true);
    expect((await page.locator(".gutter p").allTextContents()).join("\n")).toBe(LONG);
    await page.locator(".end").scrollIntoViewIfNeeded();
    await expect.poll(() => yes.isDisabled()).toBe(false);
    await looks(page, "request");
    await agree(PIN);
    await heading("C’est signé").waitFor();
    await looks(page, "signed");
    expect(house.outcome(request).state).toBe("signed");
    expect(house.verifies(request, "lease.pdf")).toBe(true);
  });

  it("draws the keypad anew each time, and takes no keys of digits", async () => {
    await read(lease());
    const orders = new Set<string>();
    for (let time = 0; time < 4; time += 1) {
      await page.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
      await page.getByRole("heading", { name: "Accepter, avec mon code PIN" }).waitFor();
      orders.add((await page.locator(".pad button:not(.erase)").allTextContents()).join(""));
      await page.keyboard.type("1234567890");
      expect(await page.getByRole("button", { name: "Accepter", exact: true }).isDisabled()).toBe(true);
      await page.getByRole("button", { name: "Annuler" }).click();
      await heading(`${PROVIDER_NAME} vous demande`).waitFor();
    }
    expect(orders.size).toBeGreaterThan(1);
    for (const order of orders) expect(Array.from(order).sort().join("")).toBe("0123456789");
    await page.getByRole("button", { name: "Refuser" }).click();
    await heading("Vous avez refusé").waitFor();
  });

  it("reports who should not have asked", async () => {
    const request = lease();
    await read(request);
    await page.getByText("Signaler", { exact: true }).first().click();
    await page.getByLabel("Je n’ai rien à voir avec qui demande").check();
    await page.getByRole("button", { name: "Signaler" }).click();
    await heading("Vous avez refusé, et signalé").waitFor();
    expect(house.outcome(request).state).toBe("rejected");
  });

  it("counts a wrong PIN and says how many tries are left; the right one starts the count again", async () => {
    const request = lease();
    await read(request);
    await agree("999999999999");
    await page.getByText("Le code PIN est faux.").waitFor();
    await page.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
    await page.getByText("Il reste 2 essais avant le blocage.").waitFor();
    await looks(page, "second-try");
    await type(page, PIN);
    await page.getByRole("button", { name: "Accepter", exact: true }).click();
    await heading("C’est signé").waitFor();
    expect(house.outcome(request).state).toBe("signed");
  });

  it("tells nobody but the host, and complains of nothing", () => {
    expect(browser.complaints).toEqual([]);
  });

  it("is no terminal where its storage is copied to; a whole profile that is copied goes stale, and its tries are shown", async () => {
    await (await machine.start("stranger")).close();
    await browser.close();
    const databases = `Default/IndexedDB/chrome-extension_${browser.id}_0.indexeddb.leveldb`;
    machine.copy("holder", "stranger", databases);
    machine.copy("holder", "twin");
    const stranger = await machine.start("stranger");
    const there = await stranger.page(`#/k/${handed.id}`);
    await there.getByText("terminal_changed").waitFor();
    await there.getByText("ce n’est pas un terminal").waitFor();
    await stranger.close();

    const twin = await machine.start("twin");
    const first = lease();
    page = await twin.page();
    await read(first);
    await agree("999999999999");
    await page.getByText("Le code PIN est faux.").waitFor();
    await twin.close();

    browser = await machine.start("holder");
    page = await browser.page();
    await read(first);
    await page.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
    await page.getByText("Une tentative n’est pas de ce terminal").waitFor();
    await looks(page, "others");
    await type(page, PIN);
    await page.getByRole("button", { name: "Accepter", exact: true }).click();
    await heading("C’est signé").waitFor();
    await browser.close();

    const again = await machine.start("twin");
    page = await again.page();
    await read(lease());
    await agree(PIN);
    await page.getByText("secret_stale").waitFor();
    await again.close();
    browser = await machine.start("holder", { locale: "en-GB" });
    page = await browser.page();
  });

  it("asks for the device's lock where its holder wants that: on another device nothing opens, and no attempt is begun", async () => {
    const locked = house.handOver("locked", "Pierre Curie");
    page = await browser.page("#/add");
    const { knows } = await device(page);
    await page.evaluate(() => localStorage.setItem("sceau-language", "fr"));
    await page.reload();
    await page.getByLabel("L’invitation", { exact: true }).fill(locked.invitation);
    await page.getByLabel("L’adresse de l’hôte").fill(house.url);
    await page.getByLabel("Le code d’activation").fill(locked.code);
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.getByText("Pierre Curie").waitFor();
    await page.getByLabel("Demander aussi le verrou de cet appareil").check();
    await looks(page, "lock");
    await page.getByRole("button", { name: "C’est moi, choisir un code PIN" }).click();
    for (const heading of ["Choisissez votre code PIN", "Encore une fois, le même"]) {
      await page.getByRole("heading", { name: heading }).waitFor();
      await type(page, PIN);
      await page.getByRole("button", { name: "Valider" }).click();
    }
    await heading("Votre trousseau est à vous").waitFor();
    const open = async (on: Page): Promise<string> => {
      const request = house.leave(locked.id, "Un bail", { "lease.pdf": "a lease" });
      await on.goto(`chrome-extension://${browser.id}/terminal.html#/k/${locked.id}/r/${request}`);
      await on.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
      await on.getByRole("heading", { name: "Accepter, avec mon code PIN" }).waitFor();
      await type(on, PIN);
      await on.getByRole("button", { name: "Accepter", exact: true }).click();
      return request;
    };
    // Another device, with all that lies here.
    const elsewhere = await browser.page("#/");
    await device(elsewhere);
    await open(elsewhere);
    await elsewhere.getByText("Le verrou de cet appareil ne s’est pas ouvert").waitFor();
    await elsewhere.close();
    await page.bringToFront();
    const request = await open(page);
    await heading("C’est signé").waitFor();
    expect(house.outcome(request).state).toBe("signed");
    // The device, and somebody whom it does not know.
    await knows(false);
    await open(page);
    await page.getByText("Le verrou de cet appareil ne s’est pas ouvert").waitFor();
    await page.evaluate(() => localStorage.setItem("sceau-language", "en"));
  });

  it("takes the lock of the device for the fingerprint that a policy asks for, and is of no use without one", async () => {
    house.publish({ biometric: "fingerprint" });
    const handed = house.handOver("fingerprint", "Irène Curie");
    const shown = async (on: Page): Promise<void> => {
      await on.evaluate(() => localStorage.setItem("sceau-language", "fr"));
      await on.goto(`chrome-extension://${browser.id}/terminal.html#/add`);
      await on.reload();
      await on.getByLabel("L’invitation", { exact: true }).fill(handed.invitation);
      await on.getByLabel("L’adresse de l’hôte").fill(house.url);
      await on.getByLabel("Le code d’activation").fill(handed.code);
      await on.getByRole("button", { name: "Continuer" }).click();
      await on.getByText("Irène Curie").waitFor();
    };
    const without = await browser.page("#/add");
    await shown(without);
    await without.getByText("fingerprint_missing").waitFor();
    expect(await without.getByRole("button", { name: "C’est moi, choisir un code PIN" }).isDisabled()).toBe(true);
    await looks(without, "fingerprint-missing");
    await without.close();

    page = await browser.page("#/add");
    await device(page);
    await shown(page);
    await page.getByText("Ce trousseau demande votre empreinte").waitFor();
    await looks(page, "fingerprint");
    await page.getByRole("button", { name: "C’est moi, choisir un code PIN" }).click();
    for (const heading of ["Choisissez votre code PIN", "Encore une fois, le même"]) {
      await page.getByRole("heading", { name: heading }).waitFor();
      await type(page, PIN);
      await page.getByRole("button", { name: "Valider" }).click();
    }
    await heading("Votre trousseau est à vous").waitFor();
    await page.goto(`chrome-extension://${browser.id}/terminal.html#/k/${handed.id}`);
    await page.getByText("sous le verrou de cet appareil").waitFor();
    await page.evaluate(() => localStorage.setItem("sceau-language", "en"));
  });

  it("says where the keyring stands and what was done, in English too, and suspends it", async () => {
    page = await browser.page(`#/k/${handed.id}`);
    await page.getByText("in use", { exact: true }).waitFor();
    await page.getByText("What was done").click();
    expect(await page.locator(".done li").count()).toBeGreaterThan(5);
    await looks(page, "state");
    await page.getByText("Suspend", { exact: true }).first().click();
    await page.getByLabel("Somebody else may have used it").check();
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByText("suspended", { exact: true }).first().waitFor();
    await page.goto(`chrome-extension://${browser.id}/terminal.html#/`);
    await page.getByRole("link", { name: /Signature des baux/ }).first().waitFor();
    await looks(page, "home");
    expect(browser.complaints).toEqual([]);
  });
});
