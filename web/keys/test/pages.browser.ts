import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { picturesFolder } from "../../chromium";
import { granting, openDocument, scene, servers, violations, visit } from "./house";
import type { Mock } from "./mock";
import { decided } from "./world";

const pictures = picturesFolder();
if (pictures) mkdirSync(pictures, { recursive: true });

// Pictures are kept where SCEAU_PICTURES is the whole path of a folder.
describe("reads well in both languages, wide and narrow, light and dark", () => {
  const shots: [string, string, Stage["who"], ((page: Page) => Promise<void>)?][] = [
    ["status", "/", "nobody"],
    ["certificate", "ticket", "nobody"],
    ["dossier", "ticket", "officer"],
    ["document", "ticket", "officer", (page) => openDocument(page, "Facture vélo – Été 2026.pdf")],
    ["keys", "/administration", "administrator"],
    ["alarms", "/administration", "administrator"],
    ["decided", "ticket", "officer"],
    ["infected", "ticket", "officer", (page) => page.locator("article").first().getByRole("button", { name: /^(Ouvrir|Open)/ }).click().then(() => page.locator("[data-code=document_infected]").waitFor())],
    ["exception", "ticket", "supervisor", (page) => page.locator("article").first().getByRole("button", { name: /^(Ouvrir|Open)/ }).click().then(() => page.locator("[data-code=document_infected] textarea").waitFor())],
    ["excepted", "ticket", "officer", (page) => page.locator("article").first().getByRole("button", { name: /^(Ouvrir|Open)/ }).click().then(() => page.locator("[data-viewer=shown]").waitFor())],
    ["officers", "/administration#officers", "administrator"],
    ["assignments", "/administration#assignments", "administrator"],
    ["connectors", "/administration#connectors", "administrator"],
    ["connector-granted", "/administration#connectors", "administrator", granting],
    ["exceptions", "/exceptions", "supervisor"],
    ["exceptions-administrator", "/administration#exceptions", "administrator"],
    ["journal", "/administration#journal", "administrator"],
  ];
  type Stage = Mock["stage"];
  const looks = [
    ["fr-wide-light", { locale: "fr-FR", viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
    ["en-wide-dark", { locale: "en-GB", viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
    ["en-narrow-light", { locale: "en-GB", viewport: { width: 320, height: 700 }, colorScheme: "light" }],
    ["fr-narrow-dark", { locale: "fr-FR", viewport: { width: 320, height: 700 }, colorScheme: "dark" }],
  ] as const;
  it.each(shots)("%s", async (name, path, who, act) => {
    servers.stage.who = who;
    if (name === "alarms") servers.stage.alarms = ["organisation_changed", "log_inconsistent"];
    if (["infected", "exception"].includes(name)) {
      servers.stage.scanned = { verdict: "clean" };
      servers.stage.refuse.set("/v1/unwrap", { status: 403, code: "document_infected", detail: "Win.Test.EICAR_HDB-1" });
    }
    if (name === "excepted") servers.stage.scanned = { verdict: "infected", signature: "Win.Test.EICAR_HDB-1", reason: "Faux positif, vérifié par la sécurité.", until: servers.stage.now };
    if (name === "decided") servers.stage.bundle = await decided(scene);
    for (const [look, options] of looks) {
      const page = await visit(path === "ticket" ? servers.ticket() : servers.keys + path, options);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      await act?.(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${look}: no sideways scrolling`).toBe(0);
      expect(await violations(page), look).toEqual([]);
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${look}.png`, fullPage: true });
      await page.context().close();
    }
  });
});
