// The console of protected data: what is signed is made from what the log proves, and what is asked of the search.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { arrive, button, mock } from "./house";
import { LEAF } from "./mock/protection";

const administrator = async (path: string) => {
  const { page, faults } = await arrive(path, "organisation_admin");
  return { page, faults };
};

it("changes an application by what was asked and nothing else, as the next version of what the log has", async () => {
  const { page, faults } = await administrator("/applications");
  await button(page, "Mettre fin à la clé 2026-a de l’application Dossiers de soins").click();
  await button(page, "Signer la fin de la clé").click();
  await page.getByText("C’est signé, et inscrit au registre.").waitFor();
  await button(page, "English").click();
  await page.getByText("Signed, and written into the log.").waitFor();
  const [signed] = mock.protection.signed;
  expect(signed?.document.keys.map(({ kid, status }) => [kid, status])).toEqual([["2026-a", "ended"], ["2025-z", "ended"]]);
  expect(signed?.document.name).toBe("Dossiers de soins");
  expect(signed?.previous).toMatchObject({ version: 1 });
  expect(faults).toEqual([]);
});

it("names a provider of identities by the keys that were shown, and turns them one by one", async () => {
  const { page, faults } = await administrator("/applications");
  const key = (kid: string, x: string) => ({ kid, use: "sig", alg: "EdDSA", kty: "OKP", crv: "Ed25519", x });
  const [first, second] = [key("p1", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), key("p2", "B".repeat(42) + "A")];
  const standings = () => page.getByTestId("provider-key").evaluateAll((all) => all.map((one) => `${one.querySelector(".kid")?.textContent ?? ""} ${(one as HTMLElement).dataset["standing"] ?? ""}`));
  const paste = async (keys: object[]) => {
    await page.getByLabel("Clés du fournisseur (JWKS)").fill(JSON.stringify({ keys }));
    await page.getByTestId("provider-key").nth(keys.length - 1).waitFor();
  };
  await page.getByTestId("application-provider").getByText("l’application le dit").waitFor();
  await button(page, "Nommer un fournisseur d’identité de l’application Dossiers de soins").click();
  await button(page, "Signer et nommer ce fournisseur").click();
  await page.getByText("Une adresse https, sans point d’interrogation").waitFor();
  expect(mock.protection.signed).toEqual([]);
  await page.getByLabel("Émetteur (issuer)").fill("https://id.exemple.fr/realms/soins");
  await page.getByLabel("Identifiant de l’application chez lui (client_id)").fill("dossiers");
  await page.getByLabel("Âge maximal d’un jeton, en minutes").fill("15");
  await paste([first]);
  expect(await standings()).toEqual(["p1 new"]);
  await button(page, "Signer et nommer ce fournisseur").click();
  await page.getByText("identité prouvée par https://id.exemple.fr/realms/soins").waitFor();
  expect(mock.protection.signed[0]?.document.provider).toMatchObject({ issuer: "https://id.exemple.fr/realms/soins", client_id: "dossiers", token_age: 900, keys: [{ kid: "p1", alg: "EdDSA" }] });

  await button(page, "Changer le fournisseur d’identité de l’application Dossiers de soins").click();
  await paste([second, first]);
  expect(await standings()).toEqual(["p2 new", "p1 kept"]);
  await page.getByLabel("Clés du fournisseur (JWKS)").fill(JSON.stringify({ keys: [second] }));
  await page.locator("[data-testid=provider-key][data-standing=gone]").waitFor();
  expect(await standings()).toEqual(["p2 new", "p1 gone"]);
  await page.getByText("sont ce que l’application en dit").click();
  await button(page, "Signer et nommer ce fournisseur").click();
  await page.getByText("C’est signé, et inscrit au registre.").waitFor();
  await page.getByTestId("application-provider").getByText("aucun jeton ne les prouve").waitFor();
  expect(mock.protection.signed[1]).toMatchObject({ previous: { version: 2 }, document: { keys: [{ kid: "2026-a" }, { kid: "2025-z" }], provider: { token_age: 900, keys: [{ kid: "p2" }] } } });
  expect(faults).toEqual([]);
});

it("shows nothing of an application that the log does not prove, and offers nothing to sign from it", async () => {
  const { page } = await administrator("/applications");
  const forged = page.getByTestId("application").filter({ has: page.locator("[data-testid=application-proof][data-state=invalid]") });
  await forged.waitFor();
  expect(await forged.innerText()).not.toContain("Paie");
  expect(await forged.getByRole("button").count()).toBe(0);
});

it("shows nothing of an application whose version is not the one that the log has", async () => {
  mock.protection.renumber();
  const { page } = await administrator("/applications");
  await page.locator("[data-testid=application-proof][data-state=invalid]").nth(1).waitFor();
  expect(await page.locator("[data-testid=application-proof][data-state=valid]").count()).toBe(0);
});

it("does not send a private key anywhere, and says what to do about it", async () => {
  const { page } = await administrator("/applications");
  await button(page, "Inscrire une application").click();
  await page.getByLabel("Nom de l’application").fill("Soins");
  await page.getByLabel("Clé publique").fill('{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}');
  await page.getByText("C’est une clé privée").waitFor();
  await button(page, "Signer et inscrire").click();
  expect(mock.protection.signed).toEqual([]);
});

it("goes on by itself where a page of the search found nothing, so often and no more", async () => {
  const { page } = await administrator("/compte");
  mock.protection.inVain = 12;
  await page.goto(new URL("/donnees?name=mars", page.url()).toString());
  await page.getByText("Rien de tel pour l’instant").waitFor();
  expect(mock.protection.searches).toHaveLength(10);
  expect(mock.protection.searches[1]).toMatch(/^\?name=mars&after=\d+\.x$/);
  await button(page, "Continuer").click();
  await page.getByTestId("datum").first().waitFor();
  expect(mock.protection.searches).toHaveLength(13);
});

it("says of a datum that is deactivated who cannot read it for now, and of an erased one that nobody will again", async () => {
  const { page } = await administrator(`/donnees/${LEAF}`);
  const said = async (status: "inactive" | "erased") => {
    await mock.protection.attestDatum(status);
    await page.reload();
    await page.locator(`[data-testid=datum-state][data-state=${status}]`).waitFor();
    return page.getByTestId("reader").evaluateAll((all) => all.map((one) => [...one.classList].filter((name) => !name.startsWith("svelte-")).join(" ") + `: ${one.querySelector(".what")?.firstChild?.textContent ?? ""}`));
  };
  const held = "held: ne peut pas lire pour l’instant";
  expect(await said("inactive")).toEqual([held, held, "later: pas encore", "over: ne peut plus lire", held, "held: autorisation désactivée"]);
  expect(await said("erased")).toEqual(Array(6).fill("over: ne peut plus lire"));
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toMatch(/^Dossiers de soins, donnée du \d/);
});

it("says who can read a datum, each as they stand, and refuses a proof of other bytes", async () => {
  const { page } = await administrator(`/donnees/${LEAF}`);
  await page.locator("[data-testid=datum-proof][data-state=valid]").waitFor();
  const standing = await page.getByTestId("reader").evaluateAll((all) => all.map((one) => `${(one as HTMLElement).dataset["kind"] ?? ""} ${(one as HTMLElement).dataset["standing"] ?? ""}`));
  expect(standing).toEqual(["owner reads", "user reads", "user later", "user over", "group reads", "group held"]);
  mock.protection.swapEvidence();
  await page.reload();
  await page.locator("[data-testid=datum-proof][data-state=invalid]").waitFor();
});

it("says how far each erasure has come, as the log bears it out, and gives the certificate out", async () => {
  const { page, faults } = await administrator("/protection/effacements");
  await page.locator("[data-testid=erasure-proof]").nth(4).waitFor();
  const standings = await page.getByTestId("erasure").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset["standing"]));
  expect(standings).toEqual(["destroyed", "due", "overdue", "undated"]);
  const forged = page.getByTestId("erased").filter({ has: page.locator("[data-testid=erasure-proof][data-state=invalid]") });
  // No name is left of any: the application and the day say which it was.
  expect(await forged.getByRole("heading").innerText()).toMatch(/^Dossiers de soins, donnée du \d/);
  expect(await forged.getByRole("button").count()).toBe(0);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("erased").nth(1).getByRole("button", { name: /^Télécharger le certificat d’effacement : Dossiers de soins/ }).click()]);
  expect(download.suggestedFilename()).toMatch(/^[\w-]{43}\.erasure$/);
  expect(JSON.parse(readFileSync(await download.path(), "utf8"))).toMatchObject({ format: "sceau-erasure", destroyed: null });
  expect(faults).toEqual([]);
});

it("shows of each access what its proof says, nothing of one that the log has otherwise, and gives the evidence out", async () => {
  const { page, faults } = await administrator("/protection/acces");
  await page.getByTestId("access-proof").nth(7).waitFor();
  const rows = await page.getByTestId("access-proof").evaluateAll((all) => all.map((one) => `${(one as HTMLElement).dataset["state"] ?? ""} ${(one as HTMLElement).dataset["outcome"] ?? ""}`.trim()));
  expect(rows).toEqual(["invalid", "valid refused", "valid granted", "valid granted", "valid refused", "valid granted", "valid granted", "valid granted"]);
  const text = await page.locator("main ol").innerText();
  expect(text).toContain("a demandé la clé d’une donnée au nom de denis.roux@hopital.exemple.fr");
  expect(text).toMatch(/refusé\s: personne sans autorisation/);
  expect(text).toMatch(/\(autorisation\s: soignants\)/);
  expect(text).not.toContain("mallory");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /^Télécharger la preuve/ }).first().click()]);
  expect(JSON.parse(readFileSync(await download.path(), "utf8"))).toMatchObject({ format: "sceau-evidence" });
  expect(faults).toEqual([]);
});

it("asks for the accesses that the address says, and keeps what was chosen in it", async () => {
  const { page } = await administrator(`/protection/acces?datum=${LEAF}`);
  await page.getByTestId("looked").waitFor();
  expect(mock.protection.accesses.asked).toEqual([`?datum=${LEAF}`]);
  expect(await page.getByLabel("Application", { exact: true }).count()).toBe(0);
  await page.getByLabel("Issue").selectOption("refused");
  await page.getByLabel("À partir du").fill("2026-03-01");
  await button(page, "Filtrer").click();
  await page.waitForURL(/outcome=refused/);
  await page.getByTestId("looked").waitFor();
  const asked = new URLSearchParams(mock.protection.accesses.asked.at(-1));
  expect([asked.get("outcome"), asked.get("datum")]).toEqual(["refused", LEAF]);
  // The browser of these tests is in Paris, and this process may be elsewhere.
  expect(asked.get("from")).toBe(String(Date.UTC(2026, 1, 28, 23)));
  await button(page, "Tout montrer").click();
  await page.waitForURL((url) => url.search === `?datum=${LEAF}`);
});

it("draws what was counted over the period that is chosen, and says it in a table too", async () => {
  const { page, faults } = await administrator("/protection/activite?sur=day");
  await page.getByTestId("calls").waitFor();
  expect(await page.getByTestId("ending").getAttribute("data-n")).toMatch(/^[1-9]\d+$/);
  const cells = (column: number) => page.locator("main table").first().locator(`tbody td:nth-child(${column})`).allTextContents();
  const sums = async () => (await Promise.all([cells(2), cells(3)])).map((all) => all.reduce((sum, text) => sum + Number(text.replaceAll(/\D/g, "")), 0));
  const said = async () => Promise.all(["data-granted", "data-refused"].map(async (name) => Number(await page.getByTestId("calls").getAttribute(name))));
  expect(await sums()).toEqual(await said());
  await page.getByRole("link", { name: "30 jours" }).click();
  await page.waitForURL(/sur=month/);
  await page.locator("main table").first().locator("tbody tr").nth(29).waitFor({ state: "attached" });
  expect(await sums()).toEqual(await said());
  expect(faults).toEqual([]);
});

it("makes the texts that send the log from what is chosen, and none from what is no address", async () => {
  const { page, faults } = await administrator("/protection/supervision");
  const unit = page.getByTestId("text").nth(1);
  await page.getByLabel("Adresse du collecteur").fill("siem.exemple.fr:7000");
  await page.getByText("Le collecteur demande un certificat").click();
  expect(await unit.innerText()).toMatch(/--to tls:\/\/siem\.exemple\.fr:7000 [\s\S]*--to-identity/);
  await page.getByText("OpenTelemetry (OTLP)").first().click();
  expect(await unit.innerText()).toContain("--to https://siem.exemple.fr:7000");
  expect(await unit.innerText()).not.toContain("--to-identity");
  await page.getByLabel("Adresse du collecteur").fill("siem; reboot");
  await page.locator("[aria-invalid=true]").waitFor();
  expect(await page.getByTestId("text").count()).toBe(0);
  expect(faults).toEqual([]);
});

it("signs what was chosen, said and meant, and nothing without a reason", async () => {
  const { page, faults } = await administrator("/donnees");
  await button(page, "Agir sur plusieurs données").click();
  expect(await page.getByTestId("datum").last().getByRole("checkbox").isDisabled()).toBe(true);
  for (const nth of [0, 1, 2]) await page.getByTestId("datum").nth(nth).getByRole("checkbox").check();
  await page.getByTestId("datum").nth(1).getByRole("checkbox").uncheck();
  await button(page, "Effacer").click();
  await page.getByText("Demander l’effacement de 2 données").waitFor();
  await button(page, "Signer la demande").click();
  await page.getByText("Donnez un motif").waitFor();
  expect(mock.protection.acts.signed).toEqual([]);
  await page.getByLabel("Motif").fill("Demande de la patiente");
  await button(page, "Signer la demande").click();
  await page.waitForURL(/\/protection\/actes/);
  const [signed] = mock.protection.acts.signed;
  expect(signed?.document).toMatchObject({ does: "erase", data: [LEAF, "c"], reason: "Demande de la patiente" });
  expect(signed?.previous).toBeNull();
  expect(faults).toEqual([]);
});

it("lets another person approve what the log proves, not one’s own request, and not what the log has otherwise", async () => {
  const { page } = await administrator("/protection/actes");
  await page.getByTestId("act-proof").nth(3).waitFor();
  const forged = page.getByTestId("act").filter({ has: page.locator("[data-testid=act-proof][data-state=invalid]") });
  expect([await forged.count(), await forged.getByRole("button").count()]).toEqual([1, 0]);
  const own = page.getByTestId("act").filter({ hasText: "Doublons" });
  expect(await own.getByRole("button").allInnerTexts()).toEqual(["Retirer la demande"]);
  const theirs = page.getByTestId("act").filter({ hasText: "dossier 2026-118" });
  expect(await theirs.innerText()).toContain("Demandé par Claire Bonnet");
  await theirs.getByRole("button", { name: /^Approuver/ }).click();
  await theirs.getByText("Effacer 2 données pour toujours").waitFor();
  await button(page, "Signer, et effacer pour toujours").click();
  await page.locator("[data-testid=act][data-state=approved]").waitFor();
  const [signed] = mock.protection.acts.signed;
  expect(signed?.document.decision?.is).toBe("approved");
  expect(signed?.document.decision?.request).toBe(signed?.previous?.hash);
  expect(signed?.document.data).toHaveLength(2);
});

it("shows a data officer what is about data, and offers nothing else", async () => {
  const { page, faults } = await arrive("/donnees", "data_officer");
  await page.getByTestId("datum").first().waitFor();
  const links = await page.locator("header nav a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  expect(links).toEqual(["/donnees", "/applications", "/compte"]);
  expect(await page.getByRole("link", { name: "Supervision" }).count()).toBe(0);
  await page.getByRole("link", { name: "Applications" }).click();
  await page.locator("[data-testid=application-proof][data-state=valid]").waitFor();
  expect(await page.locator("main").getByRole("button").count()).toBe(0);
  for (const other of ["/organisation/equipe", "/organisation/aides", "/organisation", "/protection/supervision", "/administration"]) {
    await page.goto(new URL(other, page.url()).href);
    await page.locator("main h1").waitFor();
    expect(await page.locator("main form, main li, main [data-testid=text]").count(), other).toBe(0);
  }
  await page.goto(new URL("/donnees", page.url()).href);
  await button(page, "Agir sur plusieurs données").click();
  await page.getByTestId("datum").first().getByRole("checkbox").check();
  await button(page, "Retenir").click();
  await page.getByLabel("Motif").fill("Poste volé");
  await button(page, "Signer, et retenir").click();
  await page.waitForURL(/\/protection\/actes/);
  expect(mock.protection.acts.signed[0]?.document).toMatchObject({ does: "hold", data: [LEAF] });
  expect(faults).toEqual([]);
});

it("has an administrator invite an officer of the applications that are ticked, and of no others", async () => {
  const { page, faults } = await administrator("/organisation/equipe");
  await page.getByRole("radio", { name: /^Responsable des données/ }).check();
  await page.getByLabel("De celles-ci seulement").check();
  await page.getByLabel("Adresse électronique").fill("lise@exemple.fr");
  await button(page, "Signer l’invitation").click();
  await page.getByText("Choisissez au moins une application.").waitFor();
  await page.getByLabel("Dossiers de soins").check();
  await button(page, "Signer l’invitation").click();
  await page.getByTestId("invitation-link").waitFor();
  expect(mock.invited).toMatchObject([{ role: "data_officer", applications: ["5a3d9c1e-2b4f-4c6d-8e7a-9b0c1d2e3f40"] }]);
  expect(faults).toEqual([]);
});

it("finds data by how many of their calls were refused, and leads to these calls", async () => {
  const { page, faults } = await administrator("/donnees");
  await page.getByTestId("refusals").waitFor();
  expect(await page.getByTestId("refusals").innerText()).toMatch(/^1\s204 appels refusés$/);
  expect(await page.getByTestId("refusals").getByRole("link").getAttribute("href")).toBe("/protection/acces?datum=b&outcome=refused");
  await page.getByText("Plus de critères").click();
  await page.getByLabel("Appels refusés", { exact: true }).selectOption("10");
  await page.getByLabel("Refusés depuis le").fill("2026-03-01");
  await button(page, "Chercher").click();
  await page.waitForURL(/refusals=10/);
  await page.getByTestId("searched").waitFor();
  const asked = new URLSearchParams(mock.protection.searches.at(-1));
  expect([asked.get("refusals"), asked.get("refused_from")]).toEqual(["10", String(Date.UTC(2026, 1, 28, 23))]);
  expect(faults).toEqual([]);
});

it("lists what waits first, and what was done page by page", async () => {
  const { page } = await administrator("/protection/actes");
  await page.getByTestId("act-proof").nth(3).waitFor();
  const states = () => page.getByTestId("act").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset["state"]));
  expect(await states()).toEqual(["requested", "requested", "requested", "done"]);
  // An approval whose list does not come: to try again is to ask for that list, without what is approved, and not for more of the one before.
  const theirs = page.getByTestId("act").filter({ hasText: "dossier 2026-118" });
  await theirs.getByRole("button", { name: /^Approuver/ }).click();
  await theirs.getByText("Effacer 2 données pour toujours").waitFor();
  await page.route("**/v1/protect/acts", (asked) => (asked.request().method() === "GET" ? asked.fulfill({ status: 503, body: "" }) : asked.continue()));
  await button(page, "Signer, et effacer pour toujours").click();
  await button(page, "Réessayer").waitFor();
  await page.unroute("**/v1/protect/acts");
  await button(page, "Réessayer").click();
  await page.locator("[data-testid=act][data-state=approved]").waitFor();
  expect(await states()).toEqual(["requested", "requested", "approved"]);
  await button(page, "Continuer").click();
  await page.locator("[data-testid=act][data-state=done]").waitFor();
  await button(page, "Continuer").waitFor({ state: "detached" });
  expect(await states()).toEqual(["requested", "requested", "approved", "done"]);
});

it("does not change what it says of a provider in seconds, and shows what it signs on", async () => {
  const { page } = await administrator("/applications");
  await mock.protection.name({ issuer: "https://id.exemple.fr", client_id: "dossiers", token_age: 90, sign_in_age: 600, keys: [{ kid: "p1", alg: "EdDSA", jwk: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } }] });
  await page.reload();
  await button(page, "Changer le fournisseur d’identité de l’application Dossiers de soins").click();
  await page.getByText("90 secondes").waitFor();
  expect(await page.getByTestId("sign-in-age").innerText()).toContain("600 secondes");
  await button(page, "Signer et nommer ce fournisseur").click();
  await page.getByText("C’est signé, et inscrit au registre.").waitFor();
  expect(mock.protection.signed[0]?.document.provider).toMatchObject({ token_age: 90, sign_in_age: 600 });
});

it("signs that groups are the application’s word where an administrator says so, and only as long as no claim gives them", async () => {
  const { page, faults } = await administrator("/applications");
  const keys = [{ kid: "p1", alg: "EdDSA", jwk: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } }];
  await mock.protection.name({ issuer: "https://id.exemple.fr", client_id: "dossiers", keys });
  await page.reload();
  const signed = async (nth: number) => {
    await button(page, "Signer et nommer ce fournisseur").click();
    await expect.poll(() => mock.protection.signed.length).toBe(nth);
    return mock.protection.signed.at(-1)?.document.provider as Record<string, unknown>;
  };
  const change = () => button(page, "Changer le fournisseur d’identité de l’application Dossiers de soins").click();
  const [refused, asserted] = [page.getByRole("radio", { name: /^sont refusés/ }), page.getByRole("radio", { name: /^sont ce que l’application en dit/ })];
  await change();
  expect(await refused.isChecked()).toBe(true);
  expect(await signed(1)).not.toHaveProperty("groups_asserted");
  await change();
  await asserted.check();
  expect(await signed(2)).toMatchObject({ groups_asserted: true, issuer: "https://id.exemple.fr" });
  await change();
  expect(await asserted.isChecked()).toBe(true);
  await page.getByLabel("Champ qui donne ses groupes").fill("groups");
  await asserted.waitFor({ state: "detached" });
  const last = await signed(3);
  expect(last).toMatchObject({ groups: "groups" });
  expect(last).not.toHaveProperty("groups_asserted");
  expect(faults).toEqual([]);
});
