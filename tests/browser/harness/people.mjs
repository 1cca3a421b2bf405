// Who does what in front of a demonstration's pages: somebody deposits, a case officer opens.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { openBrowser, passkeyDevice } from './chromium.mjs';

/** A button by exactly its words. */
export const button = (page, name) => page.getByRole('button', { name, exact: true });

/**
 * Registers somebody in a browser of their own, who deposits these files for the bicycle scheme of the demonstration.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} platform its origin
 * @param {{name: string, mimeType: string, buffer: Buffer}[]} files
 * @returns {Promise<{page: import('playwright-core').Page, dossier: string}>}
 */
export async function deposit(t, platform, files) {
  const page = await (await openBrowser(t)).newPage();
  await passkeyDevice(page);
  await page.goto(`${platform}/entrer`);
  await button(page, 'Créer un compte').click();
  await page.getByLabel('Nom et prénom').fill('Cléo Citoyenne');
  await page.getByLabel('Adresse électronique').fill('cleo@exemple.fr');
  await button(page, 'Créer ma clé d’accès').click();
  await page.getByRole('heading', { name: 'À qui écrivez-vous ?' }).waitFor();
  await page.getByText('Aide à l’achat d’un vélo').first().click();
  await page.locator('[data-testid=recipient][data-state=verified]').waitFor();
  await page.getByLabel('Type de vélo').selectOption('cargo');
  await page.getByLabel('Prix payé, en euros').fill('3200');
  await page.getByLabel('Revenu fiscal de référence').fill('18500');
  await button(page, 'Continuer vers les documents').click();
  await page.getByLabel('Choisir des fichiers').setInputFiles(files);
  await button(page, 'Sceller et envoyer').click();
  await button(page, 'Signer et déposer').click();
  await page.getByTestId('receipt').waitFor();
  return { page, dossier: (await page.getByTestId('dossier-id').innerText()).trim() };
}

/**
 * The demonstration's case officer, with the certificate in the browser's own store, at the key manager's page of a dossier.
 *
 * @param {import('node:test').TestContext} t
 * @param {any} demonstration of the ready line of `sceau up --demonstration`
 * @param {string} dossier
 * @returns {Promise<import('playwright-core').Page>}
 */
export async function officerAt(t, demonstration, dossier) {
  const folder = demonstration.folder;
  const password = readFileSync(join(folder, 'officer.password'), 'utf8');
  const certificate = { p12: join(folder, 'officer.p12'), password, host: 'cles.localhost' };
  const desk = await (await openBrowser(t, { authority: join(folder, 'authority.pem'), certificate })).newPage();
  await passkeyDevice(desk);
  await desk.goto(demonstration.case_officer);
  await desk.getByLabel('Nom et prénom').fill('Anne Agent');
  await desk.locator('button[type=submit]').click();
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).getByRole('button').click();
  await desk.waitForURL(/^https:\/\/cles\.localhost/);
  return desk;
}
