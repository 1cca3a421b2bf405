// A sealed deposit with an infected document, in real browsers: the organisation's own ClamAV looks before the key leaves.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Clamd, SIGNATURE } from './harness/clamd.mjs';
import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { ours, scratch, start } from './harness/processes.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });
const pdf = (more) => Buffer.concat([Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n'), more, Buffer.from('\n%%EOF\n')]);

async function deposit(t, platform, files) {
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

test('what the antivirus found stays closed, what is clean opens, and without it everything waits', async (t) => {
  const clamd = new Clamd();
  t.after(() => clamd.end());
  await clamd.start();
  const data = scratch();
  const { ready } = await start(t, ours('sceau'), ['up', '--data', data, '--demonstration', '--antivirus', `unix:${clamd.folder}/socket`]);
  const { page: citizen, dossier } = await deposit(t, ready.platform, [
    { name: 'propre.pdf', mimeType: 'application/pdf', buffer: pdf(Buffer.alloc(0)) },
    { name: 'infecté.pdf', mimeType: 'application/pdf', buffer: pdf(SIGNATURE) },
  ]);

  const folder = ready.demonstration.folder;
  const password = readFileSync(join(folder, 'officer.password'), 'utf8');
  const certificate = { p12: join(folder, 'officer.p12'), password, host: 'cles.localhost' };
  const officer = await openBrowser(t, { authority: join(folder, 'authority.pem'), certificate });
  const desk = await officer.newPage();
  await passkeyDevice(desk);
  await desk.goto(ready.demonstration.case_officer);
  await desk.getByLabel('Nom et prénom').fill('Anne Agent');
  await desk.locator('button[type=submit]').click();
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).getByRole('button').click();
  await desk.waitForURL(/^https:\/\/cles\.localhost/);
  const article = (n) => desk.locator('article[data-file]').nth(n);

  await clamd.fall();
  await button(desk, 'Ouvrir Document 1').click();
  await article(0).locator('[data-code=scanner_unavailable]').getByText('le document attend').waitFor();
  await clamd.start();
  await button(desk, 'Ouvrir Document 1').click();
  await article(0).locator('[data-scanned=clean]').waitFor();
  await button(desk, 'Ouvrir Document 2').click();
  await article(1).locator('[data-code=document_infected]').getByText('Infecté : Sceau.Test').waitFor();
  assert.equal(await article(1).locator('iframe').count(), 0);
  await picture(desk, 'infected.fr');

  await citizen.goto(`${ready.platform}/dossiers/${dossier}`);
  await citizen.getByText('a fait examiner un document par son antivirus').first().waitFor();
});
