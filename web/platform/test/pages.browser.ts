// Every page, in both languages, on a phone and on a desk, by day and by night: it must pass axe, fit its width, break no policy and ask
// nobody else. The pictures go to the folder whose whole path is in SCEAU_PICTURES.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticator, launch, type Look, picturesFolder, visitor } from "./browser";
import { Post } from "./mock/deliveries";
import { Intake } from "./mock/intake";
import { LOG_KEY, vector } from "./mock/policies";
import { anchors, stamped } from "./mock/stamps";
import { LEAF } from "./mock/protection";
import { Mock } from "./mock/server";
import { MAIRIE } from "./mock/organisation";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const dist = fileURLToPath(new URL("../dist", import.meta.url));
let mock = new Mock(dist);
const pictures = picturesFolder();
let origin = "";
let browser: Browser;

beforeAll(async () => {
  origin = await mock.start();
  browser = await launch();
  if (pictures) mkdirSync(pictures, { recursive: true });
}, 60_000);
afterAll(async () => {
  await browser.close();
  mock.stop();
});

const bike = "11111111-1111-4111-8111-111111111111";
const transport = "/deposer/44444444-4444-4444-8444-444444444444";
const dossier = (n: number) => `/dossiers/${String(n).repeat(8)}-0000-4000-8000-00000000000${n}`;
const settled = async (page: Page) => {
  await page.locator("[role=status]", { hasText: "…" }).waitFor({ state: "detached" });
  return page.locator('[data-testid=proofs]:not([data-state=checking])').waitFor();
};

interface Screen { name: string; path: string; who: string | null; then?: (page: Page, look: Look) => Promise<unknown> }

const screens: Screen[] = [
  { name: "welcome", path: "/", who: null, then: (page) => page.getByTestId("some-are-scanned").waitFor() },
  { name: "signed-out", path: "/", who: null, then: signedOut },
  { name: "enter", path: "/entrer", who: null },
  { name: "register", path: "/entrer?creer", who: null },
  { name: "enter-refused", path: "/entrer", who: null, then: refusedPassword },
  { name: "returned", path: "/retour/franceconnect?state=s&code=c", who: null, then: (page) => page.getByTestId("new-account").waitFor() },
  { name: "returned-declined", path: "/retour/franceconnect?state=s&error=access_denied", who: null, then: (page) => page.locator("[data-code=provider_declined]").waitFor() },
  { name: "account", path: "/compte", who: "citizen", then: (page) => page.locator("main li").first().waitFor() },
  { name: "choose", path: "/deposer", who: "citizen" },
  { name: "answers", path: `/deposer/${bike}`, who: "citizen", then: (page) => page.locator("[data-testid=recipient][data-state=verified]").waitFor() },
  { name: "files", path: `/deposer/${bike}`, who: "citizen", then: withFiles },
  { name: "sign", path: `/deposer/${bike}`, who: "citizen", then: async (page) => { await withFiles(page); await seal(page); } },
  { name: "asserted", path: `/deposer/${bike}`, who: "password", then: async (page) => { await withFiles(page); await seal(page); } },
  { name: "receipt", path: `/deposer/${bike}`, who: "citizen", then: (page) => toReceipt(page) },
  { name: "receipt-false", path: `/deposer/${bike}`, who: "citizen", then: (page) => toReceipt(page, "receipt-false") },
  { name: "recipient-forged", path: `/deposer/${bike}`, who: "citizen", then: (page) => page.getByTestId("forged").waitFor() },
  { name: "who-sees", path: transport, who: "citizen", then: (page) => scanning(page, []) },
  { name: "scanning", path: transport, who: "citizen", then: (page) => scanning(page, ["attestation.pdf", "programme.pdf", "photo douteuse.pdf", "relevé protégé.pdf", "examen.pdf"], "scanning") },
  { name: "scan-refused", path: transport, who: "citizen", then: (page) => scanning(page, ["attestation.pdf", "photo douteuse.pdf"], "refused") },
  { name: "scan-waits", path: transport, who: "citizen", then: (page) => scanning(page, ["attestation.pdf", "facture.pdf"], "antivirus") },
  { name: "scan-absent", path: transport, who: "citizen", then: async (page) => { await scanning(page, ["attestation.pdf"], "waiting"); await page.locator("[data-code=no_intake]").waitFor(); expect(await page.getByTestId("halt").count()).toBe(0); } },
  { name: "dossiers", path: "/dossiers", who: "citizen", then: (page) => page.locator("main li").first().waitFor() },
  { name: "dossier-accepted", path: dossier(1), who: "citizen", then: settled },
  { name: "dossier-sealed", path: dossier(2), who: "citizen", then: settled },
  { name: "dossier-more", path: dossier(3), who: "citizen", then: settled },
  { name: "complete", path: `/completer/${dossier(3).split("/").at(-1)}`, who: "citizen", then: (page) => page.locator("[data-testid=recipient][data-state=verified]").waitFor() },
  { name: "dossiers-altered", path: "/dossiers", who: "citizen", then: (page) => page.locator("[data-state=tampered]").waitFor() },
  { name: "inbox-altered", path: "/organisation", who: "case_officer", then: (page) => page.locator("[data-state=tampered]").waitFor() },
  { name: "inbox", path: "/organisation", who: "case_officer", then: (page) => page.locator("main li").first().waitFor() },
  { name: "schemes", path: "/organisation/aides", who: "organisation_admin", then: (page) => page.locator("main li").first().waitFor() },
  { name: "scheme-editor", path: "/organisation/aides", who: "organisation_admin", then: editing },
  { name: "team", path: "/organisation/equipe", who: "organisation_admin" },
  { name: "team-invited", path: "/organisation/equipe", who: "organisation_admin", then: inviting },
  { name: "team-officer", path: "/organisation/equipe", who: "organisation_admin", then: invitingAnOfficer },
  { name: "data-of-an-officer", path: "/donnees", who: "data_officer", then: async (page) => { await page.getByTestId("datum").first().waitFor(); await page.locator("summary").click(); } },
  { name: "applications-of-an-officer", path: "/applications", who: "data_officer", then: provenApplications },
  { name: "organisations", path: "/administration", who: "platform_admin", then: (page) => page.locator("main li").first().waitFor() },
  { name: "enrol", path: "/administration", who: "platform_admin", then: enrolling },
  { name: "enrolled", path: "/administration", who: "platform_admin", then: async (page) => { await enrolling(page); await page.locator("button[type=submit]").click(); await page.locator("[data-testid=client-secret]").waitFor(); } },
  { name: "root", path: "/administration", who: "platform_admin", then: rooting },
  { name: "root-replaced", path: "/administration", who: "platform_admin", then: async (page) => { await rooting(page); await page.locator("button[type=submit]").click(); await page.locator("main li").first().waitFor(); } },
  { name: "deliveries", path: "/administration/envois", who: "platform_admin", then: (page) => page.locator("[data-testid=dead-letters] li").first().waitFor() },
  { name: "delivery-discarded", path: "/administration/envois", who: "platform_admin", then: discarding },
  { name: "connectors", path: "/organisation/connecteurs", who: "organisation_admin", then: (page) => page.getByTestId("webhook").waitFor() },
  { name: "connector-made", path: "/organisation/connecteurs", who: "organisation_admin", then: connecting },
  { name: "applications", path: "/applications", who: "organisation_admin", then: provenApplications },
  { name: "application-ends", path: "/applications", who: "organisation_admin", then: async (page) => { await provenApplications(page); await page.getByTestId("application-key").first().getByRole("button").click(); } },
  { name: "application-register", path: "/applications", who: "organisation_admin", then: registering },
  { name: "application-provider", path: "/applications", who: "organisation_admin", then: naming },
  { name: "application-private-key", path: "/applications", who: "organisation_admin", then: async (page) => { await registering(page); await page.locator("textarea").fill("-----BEGIN PRIVATE KEY-----"); await page.locator("[aria-invalid]").waitFor(); } },
  { name: "protected-data", path: "/donnees", who: "organisation_admin", then: async (page) => { await page.getByTestId("datum").first().waitFor(); await page.locator("summary").click(); } },
  { name: "datum", path: `/donnees/${LEAF}`, who: "organisation_admin", then: (page) => page.locator("[data-testid=datum-proof][data-state=valid]").waitFor() },
  { name: "accesses", path: "/protection/acces", who: "organisation_admin", then: (page) => page.getByTestId("access-proof").nth(7).waitFor() },
  { name: "activity", path: "/protection/activite?sur=month", who: "organisation_admin", then: async (page) => { await page.getByTestId("calls").waitFor(); await page.locator("main summary").first().click(); } },
  { name: "supervision", path: "/protection/supervision", who: "organisation_admin", then: (page) => page.getByTestId("text").nth(2).waitFor() },
  { name: "acts", path: "/protection/actes", who: "organisation_admin", then: (page) => page.getByTestId("act-proof").nth(3).waitFor() },
  { name: "act-approved", path: "/protection/actes", who: "organisation_admin", then: async (page) => { await page.getByTestId("act-proof").nth(3).waitFor(); await page.getByRole("button", { name: /^(Approuver la demande|Approve the request)/ }).first().click(); } },
  { name: "act-composed", path: "/donnees", who: "organisation_admin", then: composing },
  { name: "erasures", path: "/protection/effacements", who: "organisation_admin", then: (page) => page.locator("[data-testid=erasure-proof]").nth(4).waitFor() },
  { name: "invitation", path: "/invitation#bonne", who: null, then: (page) => page.locator("main form").waitFor() },
  { name: "invitation-spent", path: "/invitation#usee", who: null, then: (page) => page.locator("[data-testid=problem]").waitFor() },
  { name: "trace", path: "/trace", who: null, then: traced },
  { name: "trace-witnesses", path: "/trace", who: null, then: judged },
  { name: "trace-stamps", path: "/trace", who: null, then: stampsJudged },
  { name: "not-found", path: "/nulle-part", who: null },
  { name: "forbidden", path: "/administration", who: "citizen" },
];

const looks: Look[] = [
  { language: "fr", width: 1280, scheme: "light" },
  { language: "fr", width: 320, scheme: "dark" },
  { language: "en", width: 1280, scheme: "dark" },
  { language: "en", width: 320, scheme: "light" },
];

const wanted = process.env["ONLY"]?.split(",");
for (const look of looks) {
  describe(`${look.language} ${look.width} ${look.scheme}`, () => {
    it.each(screens.filter(({ name }) => !wanted || wanted.includes(name)))("$name", (screen) => shown(screen, look), 60_000);
  });
}

// 640: a window of 1280 whose text is enlarged to 200 % (WCAG 1.4.4).
const named = ["choose", "answers", "scanning", "receipt", "dossiers", "dossier-accepted", "organisations", "enrolled", "root", "invitation"];
const called = screens.filter(({ name }) => named.includes(name) && (!wanted || wanted.includes(name)));
for (const width of called.length > 0 ? [320, 640] : []) {
  describe(`an organisation with a long name at ${width}`, () => {
    beforeAll(async () => {
      mock.stop();
      mock = new Mock(dist, "Syndicat intercommunal à vocation multiple de la communauté d’agglomération du Grand-Saint-Aubin-sur-Loire-et-Vallée");
      origin = await mock.start();
    });
    it.each(called)("$name", (screen) => shown(screen, { language: "fr", width, scheme: "light" }, "-long"), 60_000);
  });
}

async function provenApplications(page: Page): Promise<void> {
  for (const state of ["valid", "invalid"]) await page.locator(`[data-testid=application-proof][data-state=${state}]`).waitFor();
}

async function composing(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^(Agir sur plusieurs données|Act on several data)$/ }).click();
  for (const nth of [0, 1]) await page.getByTestId("datum").nth(nth).getByRole("checkbox").check();
  await page.getByRole("button", { name: /^(Effacer|Erase)$/ }).click();
}

async function registering(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^(Inscrire une|Register an) application$/ }).click();
  await page.locator("input").first().fill("Dossiers de soins");
  await page.locator("textarea").fill('{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
  await page.getByTestId("key-fingerprint").waitFor();
}

async function naming(page: Page): Promise<void> {
  await page.getByRole("button", { name: /(fournisseur d’identité de l’application|provider of identities of the application) / }).click();
  await page.locator("input").first().fill("https://id.exemple.fr/realms/soins");
  await page.locator("textarea").fill('{"keys":[{"kid":"2026-07","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
  await page.getByTestId("provider-key").waitFor();
}

async function shown({ name, path, who, then }: Screen, look: Look, tag = ""): Promise<void> {
  mock.swapRecipient = name === "recipient-forged";
  mock.post = new Post();
  mock.intake = Object.assign(new Intake(), { absent: name === "scan-absent", antivirusAway: name === "scan-waits" });
  mock.logKey = name === "trace-witnesses" || name === "trace-stamps" ? LOG_KEY : undefined;
  mock.policy = name === "trace-witnesses" ? vector("one witness").policy : undefined;
  mock.stampAnchors = name === "trace-stamps" ? anchors("root") : undefined;
  mock.tampered = name.endsWith("-altered");
  mock.submission = { otherReceipt: name === "receipt-false" };
  const { context, page, faults } = await visitor(browser, origin, who, look);
  await authenticator(page);
  await page.goto(origin + path);
  await page.locator("main h1").waitFor();
  await then?.(page, look);
  await page.evaluate(() => document.fonts.ready);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}${tag}-${look.language}-${look.width}-${look.scheme}.png`, fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect.soft(wide, "fits its width").toBeLessThanOrEqual(look.width);
  const cut = await page.locator("[data-testid=root-fingerprint] input").evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
  expect.soft(cut, "groups of a fingerprint are shown whole").toBe(0);
  expect.soft(await page.locator("html").getAttribute("lang")).toBe(look.language);
  expect.soft(await accessible(page)).toEqual([]);
  expect.soft(faults).toEqual([]);
  await context.close();
}

async function accessible(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: { run(options: unknown): Promise<{ violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[] }> } }).axe;
    const { violations } = await run.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return violations.flatMap((one) => one.nodes.map((node) => `${one.id} ${JSON.stringify(node.target)} ${node.failureSummary ?? ""}`));
  });
}

async function signedOut(page: Page) {
  await page.evaluate(() => sessionStorage.setItem("sceau-left", "of-this-tab"));
  await page.goto(`${origin}/?state=of-this-tab`);
  await page.getByTestId("signed-out").waitFor();
  expect(page.url()).toBe(`${origin}/`);
}

async function discarding(page: Page) {
  await page.locator("[data-testid=dead-letters] li").first().locator("button.quiet").click();
  await page.locator("main fieldset").waitFor();
}

async function connecting(page: Page) {
  await page.locator("main button.main").click();
  await page.locator("main form input").first().fill("Transport");
  await page.locator("main form button[type=submit]").click();
  await page.getByTestId("client-secret").waitFor();
}

async function refusedPassword(page: Page) {
  await page.locator("summary").click();
  await page.locator("input[type=email]").fill("camille@exemple.fr");
  await page.locator("input[type=password]").fill("une phrase fausse");
  await page.locator("form button[type=submit]").click();
  await page.locator("[data-testid=problem]").waitFor();
}

async function withFiles(page: Page) {
  await page.locator("[data-testid=recipient][data-state=verified]").waitFor();
  const texts = page.locator("form input[type=text]");
  await texts.nth(0).fill("1 890,50");
  await page.locator("form select").selectOption("city");
  await texts.nth(1).fill("14200");
  await page.locator("form input[type=checkbox]").check();
  await page.locator("form button[type=submit]").click();
  await page.locator("input[type=file]").setInputFiles([
    { name: "carte d’identité recto verso.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(473_000, 3) },
    { name: "facture-velo-2026.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(2_400_000, 5) },
  ]);
  await page.locator("[data-testid=files] li").nth(1).waitFor();
}

/** To the list of files, and on to where one of them has come to that phase. */
async function scanning(page: Page, names: string[], phase?: string) {
  await page.locator("[data-testid=recipient][data-state=verified]").waitFor();
  await page.getByTestId("who-sees").waitFor();
  if (names.length === 0) return;
  await page.locator("input[type=file]").setInputFiles(names.map((name) => ({ name, mimeType: "application/pdf", buffer: Buffer.alloc(120_000, 7) })));
  await page.locator("main button.main").click();
  await page.locator(`[data-testid=file][data-phase=${phase}]`).first().waitFor();
  if (phase === "refused") await page.locator("main button.main").waitFor();
}

async function seal(page: Page) {
  await page.locator("main button", { hasText: /^(Sceller et envoyer|Seal and send)$/ }).click();
  await page.locator("main button", { hasText: /^(Signer et déposer|Sign and deposit|Déposer sans signature|Deposit without a signature)$/ }).waitFor();
}

async function toReceipt(page: Page, shown = "receipt") {
  await withFiles(page);
  await seal(page);
  await page.locator("main button", { hasText: /^(Signer et déposer|Sign and deposit)$/ }).click();
  await page.getByTestId(shown).waitFor();
}

async function editing(page: Page) {
  await page.locator("main button", { hasText: /^(Préparer une aide|Prepare a scheme)$/ }).click();
  await page.locator("main .way input").check();
  await page.locator("main button", { hasText: /^(Ajouter une question|Add a question)$/ }).click();
  await page.locator("main select").selectOption("choice");
}

async function inviting(page: Page) {
  await page.locator("input[type=email]").fill("ines@exemple.fr");
  await page.locator("main button[type=submit]").click();
  await page.locator("[data-testid=invitation-link]").waitFor();
}

async function invitingAnOfficer(page: Page) {
  await page.locator("input[value=data_officer]").check();
  await page.locator("fieldset").nth(1).locator("input[type=radio]").nth(1).check();
  await page.locator("main input[type=checkbox]").first().check();
}

async function enrolling(page: Page) {
  await page.locator("main button", { hasText: /^(Inscrire une organisation|Enrol an organisation)$/ }).click();
  const fields = page.locator("form input");
  await fields.nth(0).fill("Ville de Saint-Aubin");
  await fields.nth(2).fill("cles@saint-aubin.fr");
  await page.locator("[data-testid=root-fingerprint] input").first().fill(mock.org.fingerprint);
  expect(MAIRIE).toMatch(/^[0-9a-f-]{36}$/);
}

async function rooting(page: Page) {
  await page.locator("main li button", { hasText: /^(Changer de racine|Change the root)$/ }).first().click();
  await page.locator("[data-testid=root-fingerprint] input").first().fill("5e".repeat(32));
}

async function traced(page: Page) {
  await page.locator("[data-testid=consistency-state][data-state=valid]").waitFor();
  await page.locator("[data-testid=record] button").first().click();
  await page.locator("[data-testid=record][data-proof=valid]").waitFor();
}

async function stampsJudged(page: Page) {
  const file = stamped("an authority between", "one bit changed: the signature");
  await page.locator("input[type=file]").first().setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(file) });
  await page.locator("[data-testid=stamps-platform][data-state=refused]").waitFor();
  await page.locator("[data-testid=stamps] textarea").fill(anchors("all"));
  await page.locator("[data-testid=stamps] button").click();
  await page.locator("[data-testid=stamps-reader][data-state=refused] [data-state=holds]").waitFor();
}
async function judged(page: Page) {
  const { policy, file } = vector("two of three, two cosigned");
  await page.locator("input[type=file]").first().setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(file) });
  await page.locator("[data-testid=policy-platform][data-state=short]").waitFor();
  await page.locator("[data-testid=witnesses] textarea").fill(policy);
  await page.locator("[data-testid=witnesses] button").click();
  await page.locator("[data-testid=policy-reader][data-state=met]").waitFor();
}
