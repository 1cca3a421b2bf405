// The extension in a real Chromium, each with a profile of its own; a copy of what was built, with the one permission that a browser without a window cannot ask for.
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { picturesFolder } from "../../chromium";

const BUILT = new URL("../dist/chromium", import.meta.url).pathname;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A folder for profiles and the extension, taken away at the end. */
export class Machine {
  readonly #folder = mkdtempSync(join(tmpdir(), "sceau-extension-"));
  readonly #open: BrowserContext[] = [];
  readonly #pin: string;

  /** `certificate` (PEM) is the host's: it is the only one of no known authority that the browser takes. */
  constructor(certificate: string) {
    cpSync(BUILT, this.#extension, { recursive: true });
    const path = join(this.#extension, "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...manifest, host_permissions: ["https://localhost/*"] }));
    const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    this.#pin = createHash("sha256").update(spki).digest("base64");
  }

  get #extension(): string {
    return join(this.#folder, "extension");
  }

  profile(name: string): string {
    return join(this.#folder, name);
  }

  /** Starts a browser on this profile; the terminal's address, and what its pages complained about. */
  async start(name: string, look: { locale?: string; scheme?: "light" | "dark" } = {}): Promise<Installed> {
    const context = await chromium.launchPersistentContext(this.profile(name), {
      executablePath: process.env["SCEAU_CHROMIUM"] ?? "/usr/bin/chromium",
      headless: true,
      chromiumSandbox: false,
      locale: look.locale ?? "fr-FR",
      timezoneId: "Europe/Paris",
      colorScheme: look.scheme ?? "light",
      viewport: { width: 1100, height: 900 },
      reducedMotion: "reduce",
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [
        `--disable-extensions-except=${this.#extension}`,
        `--load-extension=${this.#extension}`,
        `--ignore-certificate-errors-spki-list=${this.#pin}`,
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    this.#open.push(context);
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    return new Installed(context, new URL(worker.url()).host);
  }

  /** A folder of a profile that is closed, into another. */
  copy(from: string, to: string, ...within: string[]): void {
    for (const part of within.length === 0 ? [""] : within) {
      rmSync(join(this.profile(to), part), { recursive: true, force: true });
      mkdirSync(dirname(join(this.profile(to), part)), { recursive: true });
      execFileSync("cp", ["-a", join(this.profile(from), part), join(this.profile(to), part)]);
    }
  }

  async end(): Promise<void> {
    for (const context of this.#open) await context.close().catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Worker {
  chrome: {
    alarms: { create(name: string, when: object): Promise<void> };
    action: { getBadgeText(of: object): Promise<string> };
    notifications: { getAll(): Promise<Record<string, unknown>> };
  };
}

/** The extension in one browser. */
export class Installed {
  readonly complaints: string[] = [];

  constructor(
    readonly context: BrowserContext,
    readonly id: string,
  ) {}

  async page(hash = "#/"): Promise<Page> {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      // A refusal that a test asked for is logged by the browser as a failed load.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) this.complaints.push(message.text());
    });
    await page.goto(`chrome-extension://${this.id}/terminal.html${hash}`);
    return page;
  }

  /** Has its alarm ring now. */
  async wake(): Promise<void> {
    const worker = this.context.serviceWorkers()[0] ?? (await this.context.waitForEvent("serviceworker"));
    await worker.evaluate(() => (globalThis as unknown as Worker).chrome.alarms.create("visit", { when: Date.now() }));
  }

  /** What the browser shows of it beside its pages: the number on its button, and the notifications that are open. */
  async shows(): Promise<{ badge: string; told: string[] }> {
    const worker = this.context.serviceWorkers()[0] ?? (await this.context.waitForEvent("serviceworker"));
    return worker.evaluate(async () => {
      const { chrome } = globalThis as unknown as Worker;
      return { badge: await chrome.action.getBadgeText({}), told: Object.keys(await chrome.notifications.getAll()) };
    });
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** Gives a page a device that knows its holder, or does not; its credentials are in no other. */
export async function device(page: Page): Promise<{ knows: (holder: boolean) => Promise<void> }> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { knows: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }).then(() => undefined) };
}

/** Types on the keypad; its order is drawn each time. */
export async function type(page: Page, pin: string): Promise<void> {
  for (const digit of Array.from(pin)) await page.getByRole("button", { name: digit, exact: true }).click();
}

/**
 * Every look of a page: nothing that axe-core finds, and no wider than its window, narrow and wide, light and dark, in each of these languages (the page's own where none are named);
 * and a picture of each, where somebody wants them.
 */
export async function looks(page: Page, name: string, languages: readonly ("fr" | "en")[] = []): Promise<void> {
  const size = page.viewportSize() ?? { width: 1100, height: 900 };
  const folder = picturesFolder();
  const spoken = (): Promise<string> => page.evaluate(() => document.documentElement.lang);
  const first = await spoken();
  for (const language of languages.length === 0 ? [first] : languages) {
    if ((await spoken()) !== language) await page.locator("header button").click();
    await expect.poll(spoken).toBe(language);
    for (const width of [320, 1100]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        // Colours of the other scheme may still be drawn when this is first asked.
        await expect.poll(() => violations(page), { message: `${name}, ${language}, ${width} px, ${colorScheme}` }).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wide, `${name} is wider than ${width} px`).toBe(0);
        if (folder !== undefined) await page.screenshot({ path: join(folder, `terminal-${name}.${language}.${width}.${colorScheme}.png`), fullPage: true });
      }
    }
  }
  if ((await spoken()) !== first) await page.locator("header button").click();
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(size);
}

/** What axe-core finds wrong under WCAG 2.2 A and AA. It runs beside the page, which its policy does not see. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations } = await axe.run({ runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`);
  });
}
