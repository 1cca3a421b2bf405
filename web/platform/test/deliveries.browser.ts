// What was given up is tried again, or discarded for a reason; connectors are made and ended; the address of the webhook is kept.
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launch, visitor } from "./browser";
import { Post } from "./mock/deliveries";
import { Mock } from "./mock/server";

const mock = new Mock(fileURLToPath(new URL("../dist", import.meta.url)));
let origin = "";
let browser: Browser;

beforeAll(async () => {
  origin = await mock.start();
  browser = await launch();
}, 60_000);
afterAll(async () => {
  await browser.close();
  mock.stop();
});
beforeEach(() => (mock.post = new Post()));

async function visit(who: string, path: string): Promise<Page> {
  const { page } = await visitor(browser, origin, who, { language: "en", width: 1280, scheme: "light" });
  await page.goto(origin + path);
  await page.locator("main h1").waitFor();
  return page;
}
const letters = (page: Page) => page.getByTestId("dead-letters").locator("> li");

describe("what was given up", () => {
  it("is counted on the first page, tried again, and discarded only for a reason", async () => {
    const page = await visit("platform_admin", "/administration");
    await page.getByTestId("not-delivered").getByRole("link").click();
    await letters(page).nth(2).waitFor();
    expect(await letters(page).nth(0).textContent()).toContain("first mend what prevents it");

    await page.getByRole("button", { name: /^Try again: Message for a company, simulation-sirh/ }).click();
    await expect.poll(() => letters(page).count()).toBe(2);
    await page.getByRole("button", { name: /^Discard: E-mail/ }).click();
    await page.getByRole("button", { name: "Yes, erase it" }).click();
    await page.getByText("Choose a reason").waitFor();
    expect(mock.post.acts).toEqual(["replay d1"]);
    await page.getByText("Nobody waits for it any more").click();
    await page.getByRole("button", { name: "Yes, erase it" }).click();
    await expect.poll(() => letters(page).count()).toBe(1);
    expect(mock.post.acts).toEqual(["replay d1", "discard d2 no_longer_wanted"]);
    expect(await page.locator("[role=status]").first().textContent()).toContain("erased");
  });

  it("that somebody else handled meanwhile is said to be gone", async () => {
    const page = await visit("platform_admin", "/administration/envois");
    await letters(page).first().waitFor();
    mock.post.dead = [];
    await page.getByRole("button", { name: /^Try again: E-mail/ }).click();
    await page.locator("[data-testid=problem][data-code=not_found]").waitFor();
  });

  it("is not for another role", async () => {
    const page = await visit("organisation_admin", "/administration/envois");
    expect(await page.getByTestId("dead-letters").count()).toBe(0);
  });
});

describe("an organisation's machines", () => {
  it("are made with a secret that is shown once, and ended after a question", async () => {
    const page = await visit("organisation_admin", "/organisation/connecteurs");
    await page.getByRole("button", { name: "Make a connector" }).click();
    await page.getByLabel("Name of the machine").fill("Transport");
    await page.getByRole("button", { name: "Make", exact: true }).click();
    expect(await page.getByTestId("client-secret").textContent()).toContain("q7YV");
    await page.getByRole("button", { name: "I have put the secret away" }).click();
    expect(await page.getByTestId("client-secret").count()).toBe(0);
    await page.getByRole("button", { name: "End the connector Transport" }).click();
    await page.getByRole("button", { name: "Yes, end it" }).click();
    await expect.poll(() => mock.post.connectors.at(-1)?.revoked).not.toBeNull();
  });

  it("are told at an https address, and what they refused is handled there", async () => {
    const page = await visit("organisation_admin", "/organisation/connecteurs");
    await page.getByRole("button", { name: "Change the address" }).click();
    await page.getByLabel("Address of your system").fill("http://rh.example.org/");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("A whole https address, please.").waitFor();
    await page.getByLabel("Address of your system").fill("https://rh.example.org/sceau");
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => mock.post.url).toBe("https://rh.example.org/sceau");
    await page.getByRole("button", { name: /^Try again: Notice/ }).click();
    await expect.poll(() => mock.post.acts).toEqual(["replay w1"]);
  });
});
