/** The pages in a real browser with a platform that plays its part, fresh for each test of the file that imports this. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { authenticator, launch, visitor } from "./browser";
import { Mock } from "./mock/server";

export let mock: Mock;
export let origin = "";
export let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = new Mock(fileURLToPath(new URL("../dist", import.meta.url)));
  origin = await mock.start();
});
afterEach(() => mock.stop());

export const fund = "/deposer/22222222-2222-4222-8222-222222222222";
export const bike = "/deposer/11111111-1111-4111-8111-111111111111";

export async function arrive(path: string, who = "citizen"): Promise<{ page: Page; faults: string[] }> {
  const { page, faults } = await visitor(browser, origin, who, { language: "fr", width: 1280, scheme: "light" });
  await authenticator(page);
  await page.goto(origin + path);
  return { page, faults };
}
export const verified = (page: Page) => page.locator("[data-testid=recipient][data-state=verified]").waitFor();
export const file = (name: string, size: number) => ({ name, mimeType: "application/pdf", buffer: Buffer.alloc(size, 1) });
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

export async function signInByPassword(page: Page): Promise<void> {
  await page.locator("summary").filter({ hasText: "mot de passe" }).click();
  await page.getByLabel("Adresse électronique").fill("noe@exemple.fr");
  await page.getByLabel("Mot de passe").fill("une phrase juste");
  await page.locator("details form button[type=submit]").click();
}
