// The deposit, from the form to the receipt, and what happens on a bad day.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { arrive, bike, button, file, fund, mock, origin, signInByPassword, verified } from "./house";

describe("a deposit", () => {
  it("seals sensitive answers, signs the exact manifest and names every file", async () => {
    const { page, faults } = await arrive(bike);
    await verified(page);
    await page.getByLabel("Prix d’achat, en euros").fill("1 890,50");
    await page.getByLabel("Type de vélo").selectOption("city");
    await page.getByLabel("Revenu fiscal de référence").fill("14200");
    await page.getByLabel("Je certifie que ces réponses sont exactes").check();
    await button(page, "Continuer vers les documents").click();
    await page.getByLabel("Choisir des fichiers").setInputFiles([file("identité.pdf", 10), file("facture.pdf", 3_000_000)]);
    await button(page, "Sceller et envoyer").click();
    await button(page, "Signer et déposer").click();
    await page.getByTestId("receipt").waitFor();

    const manifest = JSON.parse(mock.manifest?.text ?? "{}") as { answers: { public: object; sealed: { envelope_hash: string } }; files: { envelope_hash: string; size: number; parts: number }[] };
    expect(mock.manifest?.proof).toEqual({ type: "passkey", challengeHeld: true });
    expect(manifest.answers.public).toEqual({ price: 1890.5, kind: "city", honour: true });
    expect(mock.manifest?.text).not.toContain("14200");
    expect(manifest.files.map(({ parts }) => parts)).toEqual([1, 3, 1]);
    expect(manifest.files[2]?.envelope_hash).toBe(manifest.answers.sealed.envelope_hash);
    expect(faults).toEqual([]);
  });

  it("of an account without a passkey says so and is platform-asserted", async () => {
    const { page } = await arrive(fund, "password");
    await verified(page);
    await page.getByLabel("Choisir des fichiers").setInputFiles([file("bail.pdf", 500)]);
    await button(page, "Sceller et envoyer").click();
    await page.getByText("Ce dépôt ne sera pas signé par vous").waitFor();
    await button(page, "Déposer sans signature").click();
    await page.getByText("Attesté par la plateforme, sans votre signature").waitFor();
    expect(mock.manifest?.proof.type).toBe("platform-asserted");
  });

  it("is not even begun when the recipient's key is not the organisation's word", async () => {
    mock.swapRecipient = true;
    const { page } = await arrive(fund);
    await page.locator("[data-testid=recipient][data-state=failed]").waitFor();
    await page.getByText("Rien n’a été scellé ni envoyé").waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
    expect(mock.parts.size).toBe(0);
  });

  it("is not even begun when the form is not the one that was published", async () => {
    mock.openForm = true;
    const { page } = await arrive(bike);
    await page.locator("[data-testid=forged][data-code='evidence.wrong_subject']").waitFor();
    expect(await page.getByLabel("Revenu fiscal de référence").count()).toBe(0);
    expect(mock.manifest).toBeUndefined();
  });

  it.each(["beside", "row"] as const)("is not even begun when the organisation is named otherwise than the log does (%s)", async (how) => {
    mock.rename = how;
    const { page } = await arrive(fund);
    await page.locator("[data-testid=forged][data-code='evidence.wrong_subject']").waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
    expect(mock.parts.size).toBe(0);
  });

  it("is not even begun when the key is of another root than the organisation's row says", async () => {
    mock.otherRoot = true;
    const { page } = await arrive(fund);
    await page.locator("[data-testid=forged][data-code='statement_wrong_root']").waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
    expect(mock.parts.size).toBe(0);
  });

  it.each([["for-another", "dossier_of_another"], ["another-dossier", "evidence.wrong_subject"]] as const)("is not even begun in a dossier that is not the depositor's own (%s)", async (how, code) => {
    mock.begins = how;
    const { page } = await arrive(fund);
    await page.locator(`[data-testid=forged][data-code='${code}']`).waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
    expect(mock.parts.size).toBe(0);
  });

  it.each([["by passkey", async (page: Page) => button(page, "Entrer avec une clé d’accès").click()], ["by password", signInByPassword]] as const)("is not even begun when the platform names another account than at the first sign-in (%s)", async (_, signIn) => {
    const { page } = await arrive("/entrer", "");
    await signIn(page);
    await page.getByRole("heading", { name: "À qui écrivez-vous ?" }).waitFor();
    mock.otherAccount = true;
    await page.goto(origin + fund);
    await page.locator("[data-testid=forged][data-code=account_changed]").getByText("un autre compte que celui que votre navigateur connaît").waitFor();
    expect(mock.parts.size).toBe(0);
  });

  it("goes on from what arrived after a cut connection", async () => {
    const { page } = await arrive(fund);
    await verified(page);
    await page.getByLabel("Choisir des fichiers").setInputFiles([file("gros.pdf", 12_000_000)]);
    mock.faults.set("/parts/5", 0);
    await button(page, "Sceller et envoyer").click();
    await page.getByText("La connexion a été coupée").waitFor();
    expect(await page.getByTestId("file").getAttribute("data-phase")).toBe("paused");
    const before = [...mock.parts.keys()].filter((key) => key.includes("/parts/"));
    expect(before.length).toBeGreaterThan(0);
    mock.faults.clear();
    const again: string[] = [];
    page.on("request", (request) => { if (request.method() === "PUT") again.push(request.url()); });
    await button(page, "Reprendre l’envoi").click();
    await button(page, "Signer et déposer").waitFor();
    expect(mock.parts.size).toBe(1 + 12);
    for (const key of before) expect(again.some((url) => url.endsWith(key.replace(/^\w+/, "")))).toBe(false);
  });

  /** Everything sealed and sent; the last gesture is left to do. */
  async function readyToSign(): Promise<Page> {
    const { page } = await arrive(fund);
    await verified(page);
    await page.getByLabel("Choisir des fichiers").setInputFiles([file("bail.pdf", 500)]);
    await button(page, "Sceller et envoyer").click();
    await button(page, "Signer et déposer").waitFor();
    return page;
  }

  it("whose receipt is of another manifest is not shown as made, and the evidence can still be kept", async () => {
    mock.submission.otherReceipt = true;
    const page = await readyToSign();
    await button(page, "Signer et déposer").click();
    await page.getByRole("alert").and(page.locator("[data-testid=receipt-false][data-code='evidence.wrong_subject']")).waitFor();
    expect(await page.getByTestId("receipt").count()).toBe(0);
    expect(await page.getByText("Votre dossier est déposé").count()).toBe(0);
    const [kept] = await Promise.all([page.waitForEvent("download"), button(page, "Garder la réponse de la plateforme").click()]);
    expect(kept.suggestedFilename()).toMatch(/\.evidence$/);
  });

  it("is said to be signed only when the log says so", async () => {
    mock.submission.onItsOwnWord = true;
    const page = await readyToSign();
    await button(page, "Signer et déposer").click();
    await page.getByTestId("receipt").waitFor();
    expect(mock.manifest?.proof.type).toBe("passkey");
    expect(await page.getByTestId("receipt-proof").textContent()).toBe("Attesté par la plateforme, sans votre signature");
  });

  it("whose answer was lost is sent again as it was signed, with no second gesture", async () => {
    mock.submission.loseFirst = true;
    const page = await readyToSign();
    await button(page, "Signer et déposer").click();
    await page.locator("[data-testid=problem][data-code=network]").waitFor();
    await button(page, "Signer et déposer").click();
    await page.getByTestId("receipt").waitFor();
    await page.getByTestId("receipt-proof").getByText("Signé par votre clé d’accès").waitFor();
    expect(mock.submitted.length).toBe(1);
    expect(mock.noncesForManifests).toBe(1);
  });

  it("that the platform says was sent shows the log's receipt, when it is of this manifest", async () => {
    mock.submission = { loseFirst: true, refuseSecond: true };
    const page = await readyToSign();
    await button(page, "Signer et déposer").click();
    await page.locator("[data-testid=problem][data-code=network]").waitFor();
    await button(page, "Signer et déposer").click();
    await page.getByTestId("receipt").waitFor();
  });

  it("that the platform says was sent, but of which the log holds another manifest, is refused", async () => {
    mock.submission = { loseFirst: true, refuseSecond: true, otherReceipt: true };
    const page = await readyToSign();
    await button(page, "Signer et déposer").click();
    await page.locator("[data-testid=problem][data-code=network]").waitFor();
    await button(page, "Signer et déposer").click();
    await page.locator("[data-testid=problem][data-code=already_sent]").waitFor();
    expect(await page.getByTestId("receipt").count()).toBe(0);
  });

  it("refuses a file over the limit and points to the command line", async () => {
    const { page } = await arrive(fund);
    await verified(page);
    await page.evaluate(() => {
      const chunk = new Uint8Array(64 * 1024 * 1024);
      const transfer = new DataTransfer();
      transfer.items.add(new File([...Array.from({ length: 8 }, () => chunk)], "film.mov"));
      document.querySelector("[data-testid=drop]")?.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    });
    await page.getByRole("alert").filter({ hasText: /film\.mov.*ne se dépose pas d’ici.*sceau deposit/ }).waitFor();
    expect(await page.getByTestId("files").count()).toBe(0);
  });

  it("asks for what the scheme requires", async () => {
    const { page } = await arrive("/deposer/33333333-3333-4333-8333-333333333333");
    await verified(page);
    await button(page, "Sceller et envoyer").click();
    await page.getByText("Il manque un document : Livret de famille.").waitFor();
    expect(mock.parts.size).toBe(0);
  });
});

describe("more information", () => {
  const asked = "33333333-0000-4000-8000-000000000003";

  it("is added to the same dossier: what was sent stays in the list, and the new files join it", async () => {
    const { page, faults } = await arrive(`/dossiers/${asked}`);
    const before = JSON.parse(Buffer.from(mock.all[2]?.manifest ?? "", "base64url").toString()) as { files: { file_id: string }[]; answers: object; key_id: string };
    await page.getByRole("link", { name: "Compléter ce dossier" }).click();
    await verified(page);
    await page.getByText("vos 2 documents déjà envoyés y restent").waitFor();
    await button(page, "Sceller et envoyer").click();
    await page.getByText("Ajoutez au moins un document.").waitFor();
    await page.getByLabel("Choisir des fichiers").setInputFiles([file("facture datée.pdf", 700)]);
    await button(page, "Sceller et envoyer").click();
    await button(page, "Signer et déposer").click();
    await page.getByTestId("receipt").waitFor();
    const manifest = JSON.parse(mock.manifest?.text ?? "{}") as typeof before & { dossier: string };
    expect(manifest.dossier).toBe(asked);
    expect(manifest.files.slice(0, 2)).toEqual(before.files);
    expect(manifest.files.length).toBe(3);
    expect(manifest.files[2]?.file_id.slice(0, 24)).toBe(before.files[0]?.file_id.slice(0, 24));
    expect([manifest.answers, manifest.key_id]).toEqual([before.answers, before.key_id]);
    expect(mock.manifest?.proof).toEqual({ type: "passkey", challengeHeld: true });
    await page.getByRole("link", { name: "Suivre ce dossier" }).click();
    await page.getByTestId("answered").waitFor();
    await page.locator("[data-testid=proofs][data-state=valid]").waitFor();
    expect(faults).toEqual([]);
  });

  it("is not added to a list that the log does not hold", async () => {
    const dossier = mock.all[2];
    if (dossier) dossier.manifest = Buffer.from(Buffer.from(dossier.manifest ?? "", "base64url").toString().replace("482113", "482114")).toString("base64url");
    const { page } = await arrive(`/completer/${asked}`);
    await page.locator("[data-testid=forged][data-code='evidence.wrong_subject']").waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
  });

  it("is not added to the dossier of another account", async () => {
    mock.otherAccount = true;
    const { page } = await arrive(`/completer/${asked}`);
    await page.locator("[data-testid=forged][data-code=dossier_of_another]").waitFor();
    expect(await page.getByLabel("Choisir des fichiers").count()).toBe(0);
  });

  it("that nobody asked for is not added", async () => {
    const { page } = await arrive("/completer/22222222-0000-4000-8000-000000000002");
    await page.locator("[data-testid=problem][data-code=already_sent]").waitFor();
  });
});

it("a draft that was left can be withdrawn", async () => {
  const { page, faults } = await arrive("/dossiers/55555555-0000-4000-8000-000000000005");
  await button(page, "Retirer ce brouillon").click();
  await page.getByRole("heading", { name: "Mes dossiers" }).waitFor();
  expect(await page.locator("[data-testid=dossier]").count()).toBe(4);
  expect(await page.locator("[data-state=draft]").count()).toBe(0);
  expect(faults).toEqual([]);
});
