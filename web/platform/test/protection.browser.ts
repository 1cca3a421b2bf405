// The console of protected data: what is signed is made from what the log proves, and what is asked of the search.
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
