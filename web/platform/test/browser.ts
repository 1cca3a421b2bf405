/** Visitors of the pages, each with a browser profile of their own. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { ACCOUNT } from "./mock/content";

export { launch, picturesFolder } from "../../chromium";

export interface Look { language: "fr" | "en"; width: number; scheme: "light" | "dark" }

export async function visitor(browser: Browser, origin: string, who: string | null, look: Look): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.width < 500 ? 700 : 860 },
    colorScheme: look.scheme, locale: look.language === "fr" ? "fr-FR" : "en-GB", timezoneId: "Europe/Paris", reducedMotion: "reduce",
  });
  if (who) await context.addCookies([{ name: "sceau_session", value: who, url: origin }]);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/status of [45]\d\d|ERR_EMPTY_RESPONSE/.test(text)) faults.push(text);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("blob:")) faults.push(`request to ${request.url()}`);
  });
  return { context, page, faults };
}

/** A passkey device in the browser (CTAP 2, resident keys), with one key already when `seeded`. */
export async function authenticator(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const { subtle } = globalThis.crypto;
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const privateKey = Buffer.from(await subtle.exportKey("pkcs8", pair.privateKey)).toString("base64");
  await cdp.send("WebAuthn.addCredential", {
    authenticatorId,
    credential: { credentialId: Buffer.from("demonstration-key").toString("base64"), isResidentCredential: true, rpId: "sceau.localhost", privateKey, userHandle: Buffer.from(ACCOUNT).toString("base64"), signCount: 0 },
  });
}
