// What the pages prove before they show it, and the way in.
import { describe, expect, it } from "vitest";
import { arrive, button, mock, origin } from "./house";
import { LOG_KEY, vector } from "./mock/policies";
import { anchors, noAnchors, stamped } from "./mock/stamps";

describe("proofs on the pages", () => {
  const one = "/dossiers/11111111-0000-4000-8000-000000000001";

  it("a line that its record does not say is shown as false", async () => {
    const lines = mock.all[0]?.timeline ?? [];
    if (lines[6]) lines[6].actor_role = "supervisor"; // a decision's row is attested: the role is not the record's to say
    if (lines[4]) lines[4].action = "document.fetch"; // the record says that it was opened
    const { page } = await arrive(one);
    await page.locator("[data-testid=proofs][data-state=invalid]").waitFor();
    expect(await page.locator("[data-testid=line][data-proof=invalid]").count()).toBe(1);
    await page.getByText("La plateforme est en faute").waitFor();
  });

  it("a deposit is said to be signed on the log's word, whatever the platform says", async () => {
    const dossier = mock.all[1];
    if (dossier) dossier.manifest_asserted = "passkey"; // its record says: platform
    const { page } = await arrive("/dossiers/22222222-0000-4000-8000-000000000002");
    await page.locator("[data-testid=signed][data-asserted=platform]").waitFor();
  });

  it("a decision that the organisation did not sign is not shown", async () => {
    const dossier = mock.all[3];
    if (dossier?.decision) dossier.decision.payload = Buffer.from(Buffer.from(dossier.decision.payload, "base64url").toString().replace("refused", "accepted")).toString("base64url");
    const { page } = await arrive("/dossiers/44444444-0000-4000-8000-000000000004");
    await page.locator("[data-testid=decision][data-proof=invalid]").waitFor();
    expect(await page.getByText("Votre demande est acceptée").count()).toBe(0);
  });

  it("a decision about another list than the one that was sent is not shown", async () => {
    const dossier = mock.all[3];
    const said = JSON.parse(Buffer.from(dossier?.decision?.payload ?? "", "base64url").toString()) as object;
    await mock.redecide(3, JSON.stringify({ ...said, manifest_hash: "0".repeat(64) }));
    const { page } = await arrive("/dossiers/44444444-0000-4000-8000-000000000004");
    await page.locator("[data-testid=decision][data-proof=invalid]").waitFor();
  });

  it("a line of another organisation is shown as false", async () => {
    const dossier = mock.all[0];
    if (dossier) dossier.organisation = "99999999-9999-4999-8999-999999999999";
    const { page } = await arrive(one);
    await page.locator("[data-testid=proofs][data-state=invalid]").waitFor();
    expect(await page.locator("[data-testid=line][data-proof=invalid]").count()).toBe(5); // all but the depositor's own
  });

  it("a dossier that the platform altered is named as such, and the others are shown", async () => {
    mock.tampered = true;
    for (const [path, who, item] of [["/dossiers", "citizen", "dossier"], ["/organisation", "case_officer", "received"]] as const) {
      const { page } = await arrive(path, who);
      await page.locator(`[data-testid=${item}][data-state=tampered]`).getByText("Rien n’en est montré").waitFor();
      expect(await page.getByTestId(item).count()).toBeGreaterThan(2);
    }
  });

  it("the trace withholds whose dossier it is; the depositor's evidence opens it", async () => {
    const { page } = await arrive("/trace");
    await page.locator("[data-withheld=dossier]").first().waitFor();
    expect(await page.getByText("11111111-0000-4000").count()).toBe(0);
    const index = mock.all[0]?.timeline[4]?.index ?? 0;
    const evidence = JSON.stringify(await mock.log.evidence(index));
    await page.getByLabel("Choisir un fichier .evidence").setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(evidence) });
    await page.locator("[data-testid=evidence-result][data-state=valid]").getByText("11111111-0000-4000-8000-000000000001").waitFor();
  });

  it("a log that grew is consistent; a log that was rewritten is denounced", async () => {
    const { page } = await arrive("/trace");
    await page.locator("[data-testid=consistency-state][data-state=valid]").waitFor();
    for (let n = 0; n < 30; n += 1) mock.log.append({ action: "login", actor: { id: "a", kind: "citizen" }, asserted: "platform", time: 1_763_000_000_000 });
    await page.reload();
    await page.getByText(/rien de ce que vous aviez vu n’a été changé/).waitFor();
    const entry = mock.log.entries[2];
    if (entry) entry[entry.length - 4] = (entry[entry.length - 4] ?? 0) ^ 1;
    await page.reload();
    await page.locator("[data-testid=consistency-state][data-state=invalid]").waitFor();
  });

  it("an evidence file is checked here; an altered one is not believed", async () => {
    const { page } = await arrive("/trace");
    const evidence = JSON.stringify(await mock.log.evidence(3));
    const input = page.getByLabel("Choisir un fichier .evidence");
    await input.setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(evidence) });
    await page.locator("[data-testid=evidence-result][data-state=valid]").waitFor();
    expect(await page.getByTestId("evidence-stamps").count()).toBe(0);
    const said = JSON.parse(evidence) as { checkpoint: string };
    const brought = { ...said, checkpoint: `${said.checkpoint}\u2014 temoin.example ${"A".repeat(96)}\n`, attachments: { "time-stamps": ["AA==", "AA=="] } };
    await input.setInputFiles({ name: "c.evidence", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(brought)) });
    await page.getByTestId("evidence-stamps").getByText("2 horodatages (RFC 3161)").waitFor();
    await page.getByTestId("witnesses").getByText("Une autre signature se trouve sous celle du registre (temoin.example)").waitFor();
    await input.setInputFiles({ name: "b.evidence", mimeType: "application/json", buffer: Buffer.from(evidence.replace('"index":3', '"index":4')) });
    await page.locator("[data-testid=evidence-result][data-state=invalid]").waitFor();
  });

  it("cosignatures are judged by the reader's policy, and by the platform's as its own word", async () => {
    const two = vector("two of three, two cosigned");
    mock.logKey = LOG_KEY;
    mock.policy = vector("one witness").policy;
    const { page, faults } = await arrive("/trace");
    const show = async (file: string) => page.getByLabel("Choisir un fichier .evidence").setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(file) });
    const by = (whose: string, state: string) => page.locator(`[data-testid=policy-${whose}][data-state=${state}]`);
    await show(two.file);
    await by("platform", "short").getByText("region (witness.example/w22), n’a pas cosigné").waitFor();
    expect(await page.getByTestId("policy-reader").count()).toBe(0);

    await page.getByLabel("Votre politique de témoins").fill(two.policy);
    await button(page, "Vérifier les témoins").click();
    await by("reader", "met").getByText("2 témoins sur 3 : le quorum est atteint").waitFor();
    expect(await by("reader", "met").locator("[data-state=cosigned]").allInnerTexts()).toEqual([
      "town (witness.example/w21), a cosigné le 20 novembre 2026 à 01:01, signature vérifiée", "notary (witness.example/w23), a cosigné le 20 novembre 2026 à 01:01, signature vérifiée",
    ]);

    // The next file, by the same policy.
    await show(vector("two of three, one cosigned").file);
    await by("reader", "short").getByText("1 témoin sur 3 : ce n’est pas assez").waitFor();
    await show(vector("a cosignature with the signature altered, where two others suffice").file);
    await by("reader", "forged").getByText("La signature au nom du témoin « region » est fausse").waitFor();
    await show(vector("a cosignature of nobody's that the policy names").file);
    await by("reader", "met").getByText("Une signature vient d’une clé que cette politique n’a pas (witness.example/w29) : non vérifiée").waitFor();

    const pick = async (name: string) =>
      page.getByLabel("ou choisir un fichier de politique").setInputFiles({ name: "a.policy", mimeType: "text/plain", buffer: Buffer.from(vector(name).policy) });
    await pick("another log of the same name");
    await by("reader", "other_log").waitFor();
    await pick("nobody is asked for");
    await by("reader", "unasked").getByText("Cette politique ne demande aucun témoin").waitFor();
    await pick("no policy: a second quorum");
    await page.getByTestId("policy-error").getByText("corrigez la ligne 7").waitFor();
    expect(faults).toEqual([]);
  });

  it("time stamps are judged by the reader's authorities, and by the platform's as its own word", async () => {
    mock.logKey = LOG_KEY;
    mock.stampAnchors = anchors("otherroot");
    const { page, faults } = await arrive("/trace");
    const show = async (...names: string[]) =>
      page.getByLabel("Choisir un fichier .evidence").setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(stamped(...names)) });
    const by = (whose: string, state: string) => page.locator(`[data-testid=stamps-${whose}][data-state=${state}]`);
    const give = (pem: string) => page.getByTestId("stamps").getByLabel("ou choisir un fichier PEM").setInputFiles({ name: "a.pem", mimeType: "application/x-pem-file", buffer: Buffer.from(pem) });
    await show("put together by hand");
    await page.locator("[data-testid=evidence-result][data-state=valid]").waitFor();
    await page.getByTestId("evidence-stamps").getByText("Le fichier apporte un horodatage (RFC 3161)").waitFor();
    await by("platform", "refused").getByText("Aucune de ces autorités ne permet à qui l’a signé de faire des horodatages").waitFor();
    expect(await page.getByTestId("stamps-reader").count()).toBe(0);

    const stamps = page.getByTestId("stamps");
    await stamps.getByLabel("Certificats de vos autorités d’horodatage").fill(anchors("root"));
    await button(page, "Vérifier les horodatages").click();
    await by("reader", "hold").waitFor();
    expect((await by("reader", "hold").locator("p").allInnerTexts()).map((line) => line.replaceAll(/[\u00a0\u202f]/g, " "))).toEqual([
      "Existait déjà le 20 novembre 2026 à 11:00:00 UTC+1", "Signature vérifiée, de « CN=clock,O=Horloges,C=FR ».", "Horodatage n° 0c (hexadécimal), politique 1.2.3.4.2.",
    ]);
    await stamps.getByText("Personne n’est interrogé sur la révocation").waitFor();

    // The next files, by the same authorities: one of two that was altered, one with an authority between, one that had ended.
    await show("put together by hand", "one bit changed: the signature");
    await by("reader", "refused").getByText("Sa signature est fausse").waitFor();
    expect(await by("reader", "refused").locator("li").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset["code"]))).toEqual(["ok", "stamp.false_signature"]);
    await show("two authorities between");
    await by("reader", "hold").waitFor();
    await show("a certificate of 2020 alone, a stamp of 20210101000001Z");
    await by("reader", "refused").getByText("n’était pas valable à l’heure qu’il dit").waitFor();
    await show("of something else");
    await by("reader", "refused").getByText("Il porte sur autre chose").waitFor();

    await give(anchors("otherroot"));
    await show("put together by hand");
    await by("reader", "refused").locator("[data-code='stamp.unauthorised']").waitFor();
    await give("rien");
    await page.locator("[data-testid=anchors-error][data-code='anchors.none']").waitFor();
    await give(noAnchors("a certificate of time stamps"));
    await page.getByTestId("anchors-error").getByText("donnez celui de l’autorité qui l’a délivré").waitFor();
    expect(faults).toEqual([]);
  });

  it("what is no list of time stamps is said, and says nothing against the record", async () => {
    mock.logKey = LOG_KEY;
    const { page } = await arrive("/trace");
    const file = { ...(JSON.parse(stamped()) as object), attachments: { "time-stamps": "AA==" } };
    await page.getByLabel("Choisir un fichier .evidence").setInputFiles({ name: "a.evidence", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(file)) });
    await page.locator("[data-testid=evidence-result][data-state=valid]").getByText("ne se lit pas").waitFor();
    expect(await page.getByTestId("stamps").count()).toBe(0);
  });

  it("a new log key is not trusted in silence", async () => {
    const { page } = await arrive("/trace");
    await page.locator("[data-testid=consistency-state][data-state=valid]").waitFor();
    await page.evaluate(() => localStorage.setItem("sceau-log-key", "autre+00000000+AAAA"));
    await page.reload();
    await page.getByText("La clé du registre n’est pas celle que votre navigateur connaît").waitFor();
  });
});

describe("the way in", () => {
  it("a visitor who wants a page is sent to the door and back", async () => {
    const { page } = await arrive("/dossiers", "");
    await button(page, "Entrer avec une clé d’accès").click();
    await page.getByRole("heading", { name: "Mes dossiers" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/dossiers");
  });

  it("an account is made with a passkey", async () => {
    const { page, faults } = await arrive("/entrer", "");
    await button(page, "Créer un compte").click();
    await page.getByLabel("Nom et prénom").fill("Camille Martin");
    await page.getByLabel("Adresse électronique").fill("camille@exemple.fr");
    await button(page, "Créer ma clé d’accès").click();
    await page.getByRole("heading", { name: "À qui écrivez-vous ?" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("never sends anyone to another site", async () => {
    const { page } = await arrive("/entrer?suite=//ailleurs.example/vol", "");
    await button(page, "Entrer avec une clé d’accès").click();
    await page.getByRole("heading", { name: "À qui écrivez-vous ?" }).waitFor();
    expect(new URL(page.url()).origin).toBe(origin);
  });

  it("case officers find the id of their account, which the key manager's administrator asks for", async () => {
    const { page } = await arrive("/organisation", "case_officer");
    await page.getByText("Votre identifiant de compte", { exact: true }).first().click();
    await page.getByTestId("account-id").getByText("8d5e7c1a-0b2c-4d3e-9f4a-5b6c7d8e9f0a").waitFor();
    await page.getByRole("button", { name: "Copier votre identifiant de compte" }).waitFor();
  });

  it("opening a dossier goes to the key manager's own page", async () => {
    const { page } = await arrive("/organisation", "case_officer");
    const going = page.waitForRequest((request) => request.url().startsWith("https://cles.localhost"));
    await page.getByRole("button", { name: /^Ouvrir le dossier Fonds de solidarité/ }).click();
    expect((await going).isNavigationRequest()).toBe(true);
  });
});
