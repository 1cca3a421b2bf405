/** The pages in a real browser, with servers that play their part: made anew for each file of tests that imports this. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { launch } from "../../chromium";
import { type Mock, mock } from "./mock";
import { type World, world } from "./world";

let browser: Browser;
export let servers: Mock;
export let scene: World;
export let complaints: string[];

beforeAll(async () => {
  scene = await world();
  servers = await mock(scene);
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  servers.close();
});
beforeEach(() => {
  complaints = [];
  servers.stage.who = "officer";
  servers.stage.refuse.clear();
  servers.stage.asked.length = 0;
  servers.stage.bundle = undefined;
  servers.stage.alarms = [];
  servers.stage.scanned = null;
});

export async function visit(url: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ locale: "fr-FR", viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A refusal that a test asked for is logged by the browser as a failed load.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return page;
}

/** What axe-core finds wrong under WCAG 2.2 A and AA. It runs beside the page, which its policy does not see. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(context: unknown, options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await axe.run({ exclude: ["iframe"] }, { runOnly: tags, iframes: false });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`);
  });
}

export async function openDocument(page: Page, name: string): Promise<void> {
  const { id } = scene.files.find((file) => file.name === name) ?? { id: "" };
  const article = page.locator(`article[data-file="${id}"]`);
  await article.getByRole("button", { name: /^(Ouvrir|Open)/ }).click();
  await article.locator("[data-viewer=shown]").waitFor();
}

/** Opens the form of a grant. */
export const granting = (page: Page): Promise<void> => page.getByRole("button", { name: /^(Accorder une|Give a grant)/ }).click();
