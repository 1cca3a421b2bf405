import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { complaints, openDocument, scene, servers, visit } from "./house";
import { decided, elsewhere, unscanned, world } from "./world";

describe("the opening page", () => {
  it("shows what was deposited, byte for byte, in a frame that can reach nothing", async () => {
    const page = await visit(servers.ticket());
    await page.getByRole("heading", { level: 1, name: "Forfait mobilités durables" }).waitFor();
    expect(page.url()).toBe(`${servers.keys}/open`);
    for (const name of ["Facture vélo – Été 2026.pdf", "photo du vélo.png"]) {
      const expected = scene.files.find((file) => file.name === name);
      await openDocument(page, name);
      const shown = page.locator(`article[data-file="${expected?.id}"] figure`);
      expect(await shown.getAttribute("data-sha256")).toBe(expected?.sha256);
      await page.getByText(name).waitFor();
    }
    const frame = page.frames().find((each) => each.url().endsWith("/viewer.html"));
    expect(await frame?.evaluate(() => self.origin)).toBe("null");
    const reached = await frame?.evaluate((origin) => fetch(`${origin}/v1/whoami`).then(() => "reached", () => "blocked"), servers.keys);
    expect(reached).toBe("blocked");
    await page.getByText("Non analysé").first().waitFor();
    // The attempt above is complained of, and nothing else.
    expect(complaints.filter((line) => !line.includes(`${servers.keys}/v1/whoami`))).toEqual([]);
    expect(complaints.length).toBeGreaterThan(0);
  });

  it("reads the words of a PDF aloud and opens sealed answers", async () => {
    const page = await visit(servers.ticket());
    await openDocument(page, "Facture vélo – Été 2026.pdf");
    const frame = page.frameLocator("iframe");
    await frame.getByText("Facture no 2026-118").waitFor();
    expect(await page.getByText("FR76").count()).toBe(0);
    await page.getByRole("button", { name: "Ouvrir les réponses" }).click();
    await page.getByText("FR76 3000 6000 0112 3456 7890 189").waitFor();
    expect(complaints).toEqual([]);
  });

  it("says for which requested document each file was given, once the sealed answers are open", async () => {
    const page = await visit(servers.ticket());
    const article = (name: string) => page.locator(`article[data-file="${scene.files.find((file) => file.name === name)?.id}"]`);
    await article("Facture vélo – Été 2026.pdf").waitFor();
    expect(await page.getByText("Donné pour").count()).toBe(0);
    await page.getByRole("button", { name: "Ouvrir les réponses" }).click();
    await article("Facture vélo – Été 2026.pdf").getByText("Donné pour : Facture").waitFor();
    await article("attestation numérisée.pdf").getByText("Donné pour : Attestation sur l’honneur").waitFor();
    // One was said to be nothing in particular, another to be what the form never asked for.
    expect(await page.getByText("Donné pour").count()).toBe(2);
    expect(complaints).toEqual([]);
  });

  it("shows a scanned page as it was scanned", async () => {
    const page = await visit(servers.ticket());
    await openDocument(page, "attestation numérisée.pdf");
    await page.locator("iframe").scrollIntoViewIfNeeded();
    const frame = page.frames().find((each) => each.url().endsWith("/viewer.html"));
    await frame?.waitForSelector("canvas");
    await frame?.waitForSelector(".text", { state: "attached" }); // it follows the drawing
    const greys = await frame?.evaluate(() => {
      const canvas = document.querySelector("canvas") as HTMLCanvasElement;
      const at = (x: number, y: number): number => canvas.getContext("2d")?.getImageData(x * canvas.width, y * canvas.height, 1, 1).data[0] ?? -1;
      return [at(0.15, 0.5), at(0.5, 0.5), at(0.85, 0.5)];
    });
    expect(greys).toEqual([255, 0, 255]);
  });

  it("is worked with the keyboard alone, and goes on from what appeared", async () => {
    const page = await visit(servers.ticket());
    const open = page.getByRole("button", { name: "Ouvrir Document 1" });
    await open.waitFor();
    while (!(await open.evaluate((button) => button === document.activeElement))) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("[data-viewer=shown]").waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Facture vélo – Été 2026.pdf");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Fermer");
  });

  it("shows what was decided before once the log proves it", async () => {
    servers.stage.bundle = await decided(scene);
    const page = await visit(servers.ticket());
    await page.locator("[data-proven=more_information]").getByText("La facture ne porte pas de date.").waitFor();
    await page.getByRole("radio", { name: /^Accepter/ }).waitFor();
    expect(await page.getByText("nouvelle version").count()).toBe(0);
    servers.stage.bundle = await decided(scene, { manifest_hash: "0".repeat(64) });
    const later = await visit(servers.ticket());
    await later.getByText("Depuis, la personne a complété son dossier").waitFor();
  });

  it.each([
    ["altered bytes", { decision: "refused", payload: "accepted" }, "decision_not_logged"],
    ["the platform's own word", { asserted: "platform" }, "decision_not_logged"],
    ["another organisation's word", { organisation: "11111111-1111-4111-8111-111111111111" }, "decision_not_logged"],
    ["another manifest", { decision: "accepted", manifest_hash: "0".repeat(64) }, "decision_of_another_manifest"],
    ["no proof", "none", "decision_not_logged"],
  ] as const)("does not show a decision with %s, and still lets the organisation decide", async (_, lie, code) => {
    const bundle = await decided(scene, lie === "none" ? { decision: "accepted" } : lie);
    servers.stage.bundle = lie === "none" ? { ...bundle, decision_proof: null } : bundle;
    const page = await visit(servers.ticket());
    await page.locator(`[data-code=${code}]`).getByText("Elle n’est pas montrée").waitFor();
    expect(await page.getByText("La facture ne porte pas de date.").count()).toBe(0);
    await page.getByRole("radio", { name: /^Accepter/ }).waitFor();
  });

  it("opens no file that was drawn for another dossier", async () => {
    servers.stage.bundle = await elsewhere(scene);
    const page = await visit(servers.ticket());
    await page.locator("[data-code=file_of_another_dossier]").waitFor();
    expect(await page.getByRole("button", { name: /^Ouvrir/ }).count()).toBe(0);
  });

  it("hands other types over as a download under their own name", async () => {
    const page = await visit(servers.ticket());
    const csv = scene.files.find((file) => file.name === "kilomètres.csv");
    const article = page.locator(`article[data-file="${csv?.id}"]`);
    await article.getByRole("button", { name: /^Ouvrir/ }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), article.getByRole("button", { name: "Télécharger" }).click()]);
    expect(download.suggestedFilename()).toBe("kilomètres.csv");
  });

  it("sends a decision with its reason, and asks for both", async () => {
    const page = await visit(servers.ticket());
    const sign = page.getByRole("button", { name: "Signer la décision" });
    await sign.click();
    await page.getByText("Choisissez une décision.").waitFor();
    await page.getByRole("radio", { name: /Accepter/ }).check();
    await page.getByLabel("Motif, pour la personne").fill("Tout est en ordre.");
    await sign.click();
    await page.locator("[data-decision=accepted][data-delivered=true]").waitFor();
    const sent = servers.stage.asked.find(({ path }) => path === "/v1/decisions")?.body as Record<string, unknown>;
    expect([sent["decision"], sent["reason"], sent["manifest"]]).toEqual(["accepted", "Tout est en ordre.", scene.bundle["manifest"]]);
  });

  it("a ticket serves once", async () => {
    const url = servers.ticket();
    await (await visit(url)).getByRole("heading", { name: "Documents" }).waitFor();
    await (await visit(url)).locator("[data-code=ticket_invalid]").waitFor();
  });

  it("without a certificate, says what to do and leaves the ticket whole", async () => {
    servers.stage.who = "nobody";
    const url = servers.ticket();
    await (await visit(url)).getByRole("heading", { name: "Présentez votre certificat" }).waitFor();
    servers.stage.who = "officer";
    await (await visit(url)).getByRole("heading", { name: "Documents" }).waitFor();
  });

  it("with a certificate that was withdrawn, says so", async () => {
    servers.stage.who = "withdrawn";
    await (await visit(servers.ticket())).locator("[data-code=certificate_withdrawn]").waitFor();
  });

  it("with a certificate that no account is linked to, gives its fingerprint", async () => {
    servers.stage.who = "unbound";
    await (await visit(servers.ticket())).getByText("3d3d").first().waitFor();
  });
});

describe("with an antivirus", () => {
  const first = (page: Page) => page.locator("article").first();
  const open = (page: Page): Promise<void> => first(page).getByRole("button", { name: /^(Ouvrir|Open)/ }).click();
  const infected = { status: 403, code: "document_infected", detail: "Win.Test.EICAR_HDB-1" };

  it("gives the reading session along, waits for the verdict, and says that nothing was found", async () => {
    servers.stage.scanned = { verdict: "clean" };
    servers.stage.refuse.set("/v1/unwrap", { status: 503, code: "scan_under_way", once: true });
    const page = await visit(servers.ticket());
    await open(page);
    await first(page).locator("[data-scanned=clean]").waitFor();
    expect(await page.getByText("Non analysé").count()).toBe(0);
    const asked = servers.stage.asked.filter((one) => one.path === "/v1/unwrap").map((one) => one.body as { reading?: string });
    expect(asked.map((body) => body.reading)).toEqual(["reading-token", "reading-token"]);
    expect(complaints).toEqual([]);
  });

  it("keeps the reading session to itself where nothing is examined", async () => {
    const page = await visit(servers.ticket());
    await open(page);
    await page.getByText("Non analysé").first().waitFor();
    expect(servers.stage.asked.filter((one) => JSON.stringify(one.body).includes("reading-token"))).toEqual([]);
  });

  it("shows what was found, opens nothing, and offers an officer no way round", async () => {
    servers.stage.scanned = { verdict: "clean" };
    servers.stage.refuse.set("/v1/unwrap", infected);
    const page = await visit(servers.ticket());
    await open(page);
    await page.locator("[data-code=document_infected]").getByText("Infecté : Win.Test.EICAR_HDB-1").waitFor();
    expect(await page.getByRole("button", { name: "Accorder la dérogation" }).count()).toBe(0);
    expect(await page.locator("iframe").count()).toBe(0);
  });

  it("says that the document waits while the antivirus is away, and opens it afterwards", async () => {
    servers.stage.scanned = { verdict: "clean" };
    servers.stage.refuse.set("/v1/unwrap", { status: 503, code: "scanner_unavailable", once: true });
    const page = await visit(servers.ticket());
    await open(page);
    await page.locator("[data-code=scanner_unavailable]").getByText("le document attend").waitFor();
    await open(page);
    await first(page).locator("[data-scanned=clean]").waitFor();
  });

  it("lets a supervisor except one person, with a reason", async () => {
    servers.stage.who = "supervisor";
    servers.stage.scanned = { verdict: "clean" };
    servers.stage.refuse.set("/v1/unwrap", infected);
    const page = await visit(servers.ticket());
    await open(page);
    const grant = page.getByRole("button", { name: "Accorder la dérogation" });
    await grant.click();
    await page.getByText("Choisissez une personne.").waitFor();
    await page.getByRole("radio", { name: "Karim Benali" }).check();
    await page.getByLabel("Motif", { exact: true }).last().waitFor();
    await page.locator("[data-code=document_infected] textarea").fill("Faux positif, vérifié par la sécurité.");
    await grant.click();
    await page.locator("[data-exception]").getByText("Karim Benali peut ouvrir ce document").waitFor();
    const asked = servers.stage.asked.find((one) => one.path === "/v1/exceptions")?.body as Record<string, unknown>;
    expect(asked).toMatchObject({ account: "c0ffee00-1111-4222-8333-444455557777", hours: 1, reason: "Faux positif, vérifié par la sécurité." });
    expect(complaints).toEqual([]);
  });

  it("warns on what is opened by exception, with the reason that was given", async () => {
    servers.stage.scanned = { verdict: "infected", signature: "Win.Test.EICAR_HDB-1", reason: "Faux positif.", until: servers.stage.now };
    const page = await visit(servers.ticket());
    await open(page);
    await first(page).locator("[data-viewer=shown]").waitFor();
    await first(page).locator("[data-scanned=infected]").getByText("Son motif : Faux positif.").waitFor();
  });
});

describe("nothing is shown", () => {
  async function refused(change: () => void, restore: () => void, code: string, open = false): Promise<void> {
    change();
    try {
      const page = await visit(servers.ticket());
      if (open) await page.getByRole("button", { name: "Ouvrir Document 1" }).click();
      await page.locator(`[data-code="${code}"]`).waitFor();
      expect(await page.locator("iframe").count()).toBe(0);
    } finally {
      restore();
    }
  }
  const swap = (field: string, value: unknown): [() => void, () => void] => {
    const before = scene.bundle[field];
    return [() => (scene.bundle[field] = value), () => (scene.bundle[field] = before)];
  };

  it("when the manifest is not the one that was logged", async () => {
    const text = Buffer.from(String(scene.bundle["manifest"]), "base64url").toString("utf8");
    const other = Buffer.from(text.replace('"distance":7.5', '"distance":9.5')).toString("base64url");
    await refused(...swap("manifest", other), "manifest_not_logged");
  });
  it("when the evidence comes from another log", async () => {
    const other = await world();
    await refused(...swap("manifest_evidence", other.bundle["manifest_evidence"]), "evidence.other_log");
  });
  it("when the form is not the one that was answered", async () => {
    await refused(...swap("scheme", Buffer.from('{"title":{"fr":"x","en":"x"},"form":[]}').toString("base64url")), "form_differs");
  });
  it("when its scheme has documents scanned and the trusted intake signed nothing", async () => {
    const [before, hostile] = [{ ...scene.bundle }, await unscanned(scene)];
    const play = (bundle: Record<string, unknown>) => () => void Object.assign(scene.bundle, bundle);
    await refused(play(hostile), play(before), "not_scanned");
  });
  it("when a part was altered", async () => {
    const part = scene.files[0]?.parts[0] as Uint8Array;
    const flip = (): number => (part[100] = (part[100] ?? 0) ^ 1);
    await refused(flip, flip, "segment_refused", true);
  });
  it("when the key manager refuses", async () => {
    const path = "/v1/unwrap";
    await refused(() => servers.stage.refuse.set(path, { status: 403, code: "not_assigned" }), () => servers.stage.refuse.clear(), "not_assigned", true);
  });
});
