// The platform serves altered code: scripts at every address, pages in the place of answers, headers that would load, move or register something. The terminal's code is its
// package's: it signs by way of such a host as by an honest one, asks it for nothing but answers, and nothing of what it serves is run.
import { createServer, request as ask, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Handed, House, PROVIDER_NAME } from "../../terminal/test/house";
import { type Installed, Machine, type } from "./browser";

const PIN = "402917385516";
const EVIL = "globalThis.altered = true; document.title = 'altered';";

let started: House | undefined;
let house: House;
let machine: Machine;
let browser: Installed;
let handed: Handed;
let page: Page;
let server: Server;
let url = "";
/** What was asked of it. */
const asked: string[] = [];
/** Whether it answers at all as the protocol has it. */
let honest = true;

beforeAll(async () => {
  house = started = await House.start();
  server = createServer({ cert: house.read("host.pem"), key: house.read("host.key") }, (incoming, response) => {
    asked.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
    const headers = {
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "content-type",
      "content-security-policy": "script-src * 'unsafe-inline' 'unsafe-eval'",
      link: "</altered.js>; rel=modulepreload, </altered.js>; rel=preload; as=script",
      refresh: "0; url=/altered.html",
      "service-worker-allowed": "/",
      "set-cookie": "altered=1; SameSite=None; Secure",
      "clear-site-data": '"cache"',
      sourcemap: "/altered.js.map",
    };
    if (!honest || !(incoming.url ?? "").startsWith("/v1/keyrings/")) {
      const script = (incoming.url ?? "").endsWith(".js");
      response.writeHead(200, { ...headers, "content-type": script ? "text/javascript" : "text/html" });
      response.end(script ? EVIL : `<script>${EVIL}</script><script src="/altered.js"></script>`);
      return;
    }
    const passed = ask(`${house.url}${incoming.url ?? ""}`, { method: incoming.method, ca: house.read("host.pem"), headers: { "content-type": "application/json", host: incoming.headers.host } }, (answer) => {
      // What it carries is the element's; that it is a page with a script is the host's own word.
      response.writeHead(answer.statusCode ?? 500, { ...headers, "content-type": "text/html" });
      answer.pipe(response);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
  machine = new Machine(house.read("host.pem"));
  browser = await machine.start("holder");
  handed = house.handOver("altered", "Marie Curie");
  page = await browser.page("#/add");
});
afterAll(async () => {
  await machine.end();
  server.close();
  started?.end();
});

/** Whether anything ran here that the package has not; and what the page was made of. */
const altered = (): Promise<[unknown, string, string[]]> =>
  page.evaluate(() => [(globalThis as { altered?: unknown }).altered ?? null, document.title, performance.getEntriesByType("resource").filter((entry) => (entry as PerformanceResourceTiming).initiatorType !== "fetch").map(({ name }) => name)]);

async function untouched(): Promise<void> {
  const [ran, title, loaded] = await altered();
  expect([ran, title, page.url().split("#")[0]]).toEqual([null, "Sceau", `chrome-extension://${browser.id}/terminal.html`]);
  expect(loaded.filter((name) => !name.startsWith(`chrome-extension://${browser.id}/`))).toEqual([]);
  expect((await browser.context.cookies(url)).length).toBe(0);
}

describe("a platform that serves altered code", () => {
  it("has a keyring activated and used as by an honest one, and is asked for answers alone", async () => {
    await page.getByLabel("L’invitation", { exact: true }).fill(handed.invitation);
    await page.getByLabel("L’adresse de l’hôte").fill(url);
    await page.getByLabel("Le code d’activation").fill(handed.code);
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.getByRole("button", { name: "C’est moi, choisir un code PIN" }).click();
    for (const title of ["Choisissez votre code PIN", "Encore une fois, le même"]) {
      await page.getByRole("heading", { name: title }).waitFor();
      await type(page, PIN);
      await page.getByRole("button", { name: "Valider" }).click();
    }
    await page.getByRole("heading", { level: 1, name: "Votre trousseau est à vous" }).waitFor();
    const request = house.leave(handed.id, "Le bail du 12 mars", { "lease.pdf": "a lease" });
    await page.evaluate((to) => void (window.location.hash = to), `/k/${handed.id}/r/${request}`);
    await page.getByRole("heading", { level: 1, name: `${PROVIDER_NAME} vous demande` }).waitFor();
    await page.locator(".end").scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "Accepter, avec mon code PIN" }).click();
    await page.getByRole("heading", { level: 2, name: "Accepter, avec mon code PIN" }).waitFor();
    await type(page, PIN);
    await page.getByRole("button", { name: "Accepter", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "C’est signé" }).waitFor();
    expect(house.outcome(request).state).toBe("signed");
    await untouched();
    expect(asked.filter((one) => !/^(?:GET|POST|OPTIONS) \/v1\/keyrings\//.test(one))).toEqual([]);
  });

  it("answers pages in the place of answers: they are no host's, and nothing of them is shown or run", async () => {
    honest = false;
    await page.evaluate((to) => void (window.location.hash = to), `/k/${handed.id}`);
    await page.getByText("ce n’est pas un hôte de trousseaux qui répond").first().waitFor();
    await untouched();
    expect(await page.locator("main").textContent()).not.toContain("altered");
    expect(asked.filter((one) => !/^(?:GET|POST|OPTIONS) \/v1\/keyrings\//.test(one))).toEqual([]);
    honest = true;
  });

  it("has nothing of it run even where a page of the terminal were made to ask for it", async () => {
    const before = asked.length;
    const tried = await page.evaluate(async (from) => {
      const script = (make: (element: HTMLScriptElement) => void): Promise<string> =>
        new Promise((resolve) => {
          const element = document.createElement("script");
          element.onload = () => resolve("run");
          element.onerror = () => resolve("refused");
          make(element);
          document.head.append(element);
          // One in the page itself has no event: it ran at once, or never.
          if (element.src === "") resolve((globalThis as { altered?: unknown }).altered === true ? "run" : "refused");
        });
      const sure = (work: () => unknown): Promise<string> => Promise.resolve().then(work).then(() => "run", () => "refused");
      const worker = (): Promise<string> =>
        new Promise((resolve, reject) => {
          const made = new Worker(`${from}/altered.js`);
          made.onmessage = () => resolve("run");
          made.onerror = () => reject(new Error("refused"));
        });
      const frame = (): Promise<string> =>
        new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective), { once: true });
          const element = document.createElement("iframe");
          element.src = `${from}/altered.html`;
          document.body.append(element);
        });
      return {
        script: await script((element) => (element.src = `${from}/altered.js`)),
        module: await script((element) => {
          element.type = "module";
          element.src = `${from}/altered.js`;
        }),
        inline: await script((element) => (element.textContent = "globalThis.altered = true")),
        imported: await sure(() => import(/* @vite-ignore */ `${from}/altered.js`)),
        text: await sure(() => (0, eval)("globalThis.altered = true")),
        worker: await sure(worker),
        frame: await frame(),
      };
    }, url);
    expect(tried).toEqual({ script: "refused", module: "refused", inline: "refused", imported: "refused", text: "refused", worker: "refused", frame: "frame-src" });
    expect((await altered()).slice(0, 2)).toEqual([null, "Sceau"]);
    // The browser did not even ask for it.
    expect(asked.slice(before).filter((one) => one.includes("altered"))).toEqual([]);
  });
});
