import { describe, expect, it } from "vitest";
import { granting, servers, visit } from "./house";

describe("alarms", () => {
  it.each(["folder_outdated", "foreign_statement", "foreign_decision", "foreign_record", "restored_elsewhere", "organisation_changed", "log_inconsistent"])("%s says what it means and what to do, in both languages", async (kind) => {
    servers.stage.who = "administrator";
    servers.stage.alarms = [kind];
    const said: string[] = [];
    for (const locale of ["fr-FR", "en-GB"]) {
      const page = await visit(`${servers.keys}/administration#keys`, { locale });
      const alarm = page.locator(`[data-alarm=${kind}]`);
      await alarm.getByText(locale === "fr-FR" ? "Que faire" : "What to do").waitFor();
      said.push((await alarm.textContent()) ?? "");
      await page.context().close();
    }
    expect(said[0]).not.toBe(said[1]);
    expect(said.join()).not.toMatch(/Une alerte sur la trace|An alarm about the platform/); // words of its own
  });
});

describe("exceptions", () => {
  it("are listed for supervisors, and taken back after a question", async () => {
    servers.stage.who = "supervisor";
    const page = await visit(`${servers.keys}/exceptions`);
    await page.getByRole("button", { name: "Reprendre la dérogation de Anaïs Le Goff" }).click();
    await page.getByRole("button", { name: "Annuler" }).click();
    const posted = (): string[] => servers.stage.asked.filter(({ body }) => body !== null).map(({ path }) => path);
    expect(posted()).toEqual([]);
    await page.getByRole("button", { name: "Reprendre la dérogation de Anaïs Le Goff" }).click();
    await page.getByRole("button", { name: "Oui, la reprendre" }).click();
    await page.getByText("La dérogation est reprise.").waitFor();
    expect(posted()).toEqual([`/v1/exceptions/${"a1".repeat(16)}/revoke`]);
    expect(await page.locator("[data-standing=in_force]").count()).toBe(0);
  });

  it("are nobody else's to see", async () => {
    servers.stage.who = "officer";
    const page = await visit(`${servers.keys}/exceptions`);
    await page.locator("[data-code=supervisor_needed]").waitFor();
    expect(servers.stage.asked.map(({ path }) => path)).not.toContain("/v1/exceptions");
  });
});

describe("administration", () => {
  it("says where a person finds the account id, and promises no power that a supervisor lacks", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration#officers`);
    await page.getByRole("button", { name: "Relier un certificat à un compte" }).click();
    await page.getByText("sous la liste des dossiers reçus").waitFor();
    expect(await page.getByText("attribue").count()).toBe(0);
  });

  it("issues a certificate, then links it to an account", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration#officers`);
    await page.getByRole("button", { name: "Émettre un certificat" }).click();
    await page.getByLabel("Nom de la personne").fill("Inès Roux");
    await page.getByRole("button", { name: "Émettre le certificat" }).click();
    await page.locator("[data-password]").waitFor();
    expect(await page.getByLabel("Empreinte du certificat").inputValue()).toBe("4e".repeat(32));
    await page.getByLabel("Identifiant du compte sur Sceau").fill("pas un identifiant");
    await page.getByRole("button", { name: "Relier", exact: true }).click();
    await page.getByText("Vérifiez cette valeur.").waitFor();
    await page.getByLabel("Identifiant du compte sur Sceau").fill("c0ffee00-1111-4222-8333-444455556667");
    await page.getByRole("button", { name: "Relier", exact: true }).click();
    await page.getByText("Le certificat est relié au compte.").waitFor();
    const sent = servers.stage.asked.filter(({ body }) => body !== null).map(({ path, body }) => ({ path, ...(body as object) }));
    expect(sent).toEqual([
      { path: "/v1/certificates", name: "Inès Roux", role: "case-officer" },
      { path: "/v1/bindings", certificate_fingerprint: "4e".repeat(32), account: "c0ffee00-1111-4222-8333-444455556667", role: "case_officer", name: "Inès Roux" },
    ]);
  });

  it("asks before a key is changed or destroyed", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration`);
    const posted = (): string[] => servers.stage.asked.filter(({ body }) => body !== null).map(({ path }) => path);
    await page.getByRole("button", { name: "Changer de clé maintenant" }).click();
    await page.getByRole("button", { name: "Ne rien changer" }).click();
    expect(posted()).toEqual([]);
    await page.getByRole("button", { name: "Détruire cette clé" }).click();
    await page.getByRole("button", { name: "Oui, détruire la clé" }).click();
    await expect.poll(posted).toEqual([`/v1/keys/${"9c".repeat(32)}/destroy`]);
  });

  it("asks why before keys are withdrawn", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration`);
    const posted = (): object[] => servers.stage.asked.filter(({ body }) => body !== null);
    await page.getByRole("button", { name: "Retirer les clés, en urgence" }).click();
    await page.getByRole("button", { name: "Ne rien retirer" }).click();
    expect(posted()).toEqual([]);
    await page.getByRole("button", { name: "Retirer les clés, en urgence" }).click();
    await page.getByLabel("Pourquoi ?").selectOption("lost");
    await page.getByRole("button", { name: "Oui, retirer les clés" }).click();
    await expect.poll(posted).toMatchObject([{ path: "/v1/keys/withdraw" }]);
    expect(JSON.stringify(posted())).toContain("lost");
  });

  it("says what is due, by when, and what to do", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration`);
    await page.locator("[data-due=backup_old]").getByText("sceau keymanager backup").waitFor();
    await page.locator("[data-due=client_certificate_expires]").waitFor();
    expect(await page.getByRole("link", { name: "Certificat de destruction" }).getAttribute("href")).toMatch(/^\/v1\/keys\/[0-9a-f]{64}\/certificate$/);
  });

  it("makes another root when that is meant, and shows the fingerprint to be dictated", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration`);
    const posted = (): string[] => servers.stage.asked.filter(({ body }) => body !== null).map(({ path }) => path);
    await page.getByRole("button", { name: "Changer de racine" }).click();
    await page.getByRole("button", { name: "Ne rien changer" }).click();
    expect(posted()).toEqual([]);
    await page.getByRole("button", { name: "Changer de racine" }).click();
    await page.getByRole("button", { name: "Oui, créer une nouvelle racine" }).click();
    await page.getByTestId("next-root").getByText("5e5e").first().waitFor();
    expect(posted()).toEqual(["/v1/root"]);
    expect(await page.getByRole("button", { name: "Changer de racine" }).count()).toBe(0);
  });

  it("works before the key manager is connected, and says how to connect it", async () => {
    servers.stage.who = "administrator";
    servers.stage.refuse.set("/v1/config", { status: 503, code: "platform_not_connected" });
    const page = await visit(`${servers.keys}/administration`);
    await page.getByText("sceau keymanager connect").waitFor();
    await page.getByRole("heading", { name: "Clés de lecture" }).waitFor();
    await page.goto(`${servers.keys}/`);
    await page.locator("[data-code=platform_not_connected]").waitFor();
  });

  it("is closed to a case officer", async () => {
    await (await visit(`${servers.keys}/administration`)).getByRole("heading", { name: "Ce certificat est pour un autre rôle" }).waitFor();
  });
});

describe("connectors' grants", () => {
  it("are given for a scope, a time and a name that answers, and revoked after a question", async () => {
    servers.stage.who = "administrator";
    const page = await visit(`${servers.keys}/administration#connectors`);
    await page.locator("[data-testid=grants] li").nth(1).waitFor();
    expect(await page.locator("[data-testid=grants] li").first().textContent()).toContain("Anaïs Le Goff");
    expect(await page.locator("[data-testid=grants] li").nth(1).getAttribute("data-phase")).toBe("over");
    await granting(page);
    await page.getByLabel("Nom dans la trace").fill("Paie !");
    await page.getByRole("button", { name: "Accorder", exact: true }).click();
    expect(await page.getByText("Vérifiez cette valeur.").count()).toBe(2);
    await page.getByLabel("Nom dans la trace").fill("transport");
    await page.getByLabel("Empreinte de son certificat").fill("8C:".repeat(31) + "8C");
    await page.getByLabel("Aides", { exact: true }).fill("11111111-1111-4111-8111-111111111111");
    await page.getByRole("radio", { name: /^Au nom de Anaïs/ }).check();
    await page.getByRole("button", { name: "Accorder", exact: true }).click();
    await page.getByText("L’autorisation est accordée.").waitFor();
    const given = servers.stage.asked.find((one) => one.path === "/v1/connectors" && one.body)?.body as Record<string, unknown>;
    expect(given).toMatchObject({ certificate_fingerprint: "8c".repeat(32), name: "transport", schemes: ["11111111-1111-4111-8111-111111111111"], decides: { role: "case_officer" } });
    await page.getByRole("button", { name: "Retirer l’autorisation de paie" }).click();
    await page.getByRole("button", { name: "Oui, la retirer" }).click();
    await page.getByText("L’autorisation est retirée.").waitFor();
    expect(servers.stage.asked.some((one) => one.path === `/v1/connectors/${"6a".repeat(32)}/revoke`)).toBe(true);
  });
});
