// The whole job in real browsers: a citizen deposits, a case officer opens with a client certificate and decides, both see the proofs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { ours, scratch, start } from './harness/processes.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A real PDF and a real JPEG, made by the browser itself. */
async function documents(t) {
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.setContent('<h1 style="font:48px serif">Facture acquittée</h1><p>Vélo cargo : 3 200 €</p>');
  const pdf = await page.pdf({ format: 'A4' });
  const jpeg = await page.screenshot({ type: 'jpeg', quality: 90 });
  await browser.close();
  return [
    { name: 'facture acquittée.pdf', mimeType: 'application/pdf', buffer: pdf },
    { name: 'pièce d’identité.jpg', mimeType: 'image/jpeg', buffer: jpeg },
  ];
}

async function house(t) {
  const { ready } = await start(t, ours('sceau'), ['up', '--data', scratch(), '--demonstration']);
  const folder = ready.demonstration.folder;
  return {
    ...ready,
    authority: join(folder, 'authority.pem'),
    certificate: {
      p12: join(folder, 'officer.p12'),
      password: readFileSync(join(folder, 'officer.password'), 'utf8'),
      host: 'cles.localhost',
    },
  };
}

/** A visitor who is not signed in yet is answered 401 once, which Chromium reports. */
const unexpected = (line) => !line.endsWith('status of 401 (Unauthorized)');

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function register(page, origin) {
  await passkeyDevice(page);
  await page.goto(`${origin}/entrer`);
  await button(page, 'Créer un compte').click();
  await page.getByLabel('Nom et prénom').fill('Cléo Citoyenne');
  await page.getByLabel('Adresse électronique').fill('cleo@exemple.fr');
  await button(page, 'Créer ma clé d’accès').click();
  await page.getByRole('heading', { name: 'À qui écrivez-vous ?' }).waitFor();
}

async function deposit(page, files) {
  await page.getByText('Aide à l’achat d’un vélo').first().click();
  await page.locator('[data-testid=recipient][data-state=verified]').waitFor();
  await page.getByLabel('Type de vélo').selectOption('cargo');
  await page.getByLabel('Prix payé, en euros').fill('3200');
  await page.getByLabel('Revenu fiscal de référence').fill('18500');
  await button(page, 'Continuer vers les documents').click();
  await page.getByLabel('Choisir des fichiers').setInputFiles(files);
  await picture(page, 'deposit.fr');
  await button(page, 'Sceller et envoyer').click();
  await button(page, 'Signer et déposer').click();
  await page.getByTestId('receipt').waitFor();
  await picture(page, 'receipt.fr');
  return (await page.getByTestId('dossier-id').innerText()).trim();
}

async function openAll(page, files) {
  await page.getByRole('heading', { name: 'Aide à l’achat d’un vélo' }).waitFor();
  const shown = new Map();
  for (let n = 1; n <= files.length; n += 1) {
    await button(page, `Ouvrir Document ${n}`).click();
    const article = page.locator('article[data-file]').nth(n - 1);
    const figure = article.locator('[data-viewer=shown]');
    await figure.waitFor();
    shown.set((await article.locator('b').first().innerText()).trim(), await figure.getAttribute('data-sha256'));
  }
  return shown;
}

async function decide(page, choice, decision, reason) {
  await page.getByRole('radio', { name: choice }).check();
  await page.getByLabel('Motif, pour la personne').fill(reason);
  await button(page, 'Signer la décision').click();
  await page.locator(`[data-decision=${decision}][data-delivered=true]`).waitFor();
}

/** The organisation asked for more: the citizen adds a file to the same dossier, and signs the longer list. */
async function addTo(page, address, file) {
  await page.goto(address);
  await page.getByText('Il manque le justificatif de domicile.').waitFor();
  await page.getByRole('link', { name: 'Compléter ce dossier' }).click();
  await page.locator('[data-testid=recipient][data-state=verified]').waitFor();
  await page.getByText('vos 2 documents déjà envoyés y restent').waitFor();
  await page.getByLabel('Choisir des fichiers').setInputFiles([file]);
  await picture(page, 'complete.fr');
  await button(page, 'English').click();
  await picture(page, 'complete.en');
  await button(page, 'Français').click();
  await button(page, 'Sceller et envoyer').click();
  await button(page, 'Signer et déposer').click();
  await page.getByTestId('receipt').waitFor();
}

test('a citizen deposits, a case officer opens with a certificate and decides, both see the proofs', async (t) => {
  const files = await documents(t);
  const place = await house(t);

  const citizen = await openBrowser(t);
  const page = await citizen.newPage();
  await register(page, place.platform);
  const dossier = await deposit(page, files);

  const officer = await openBrowser(t, place);
  const desk = await officer.newPage();
  await passkeyDevice(desk);
  await desk.goto(place.demonstration.case_officer);
  await desk.getByLabel('Nom et prénom').fill('Anne Agent');
  await desk.locator('button[type=submit]').click();
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).waitFor();
  await picture(desk, 'inbox.fr');
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).getByRole('button').click();
  await desk.waitForURL(/^https:\/\/cles\.localhost/);
  const shown = await openAll(desk, files);
  for (const file of files) {
    assert.equal(shown.get(file.name), sha256(file.buffer), `${file.name}: what the frame renders is what went in`);
  }
  await picture(desk, 'open.fr');
  await decide(desk, 'Demander un complément', 'more_information', 'Il manque le justificatif de domicile.');

  await addTo(page, `${place.platform}/dossiers/${dossier}`, { ...files[1], name: 'justificatif.jpg' });
  await desk.goto(`${place.platform}/organisation`);
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).getByRole('button').click();
  await desk.waitForURL(/^https:\/\/cles\.localhost/);
  await desk.locator('[data-proven=more_information]').waitFor();
  await desk.getByText('Depuis, la personne a complété son dossier').waitFor();
  const whole = await openAll(desk, [...files, files[1]]);
  assert.deepEqual([...whole.keys()].sort(), [...files.map((file) => file.name), 'justificatif.jpg'].sort());
  await desk.getByRole('radio', { name: 'Accepter' }).check();
  await desk.getByLabel('Motif, pour la personne').fill('Dossier complet.');
  await button(desk, 'Signer la décision').click();
  await desk.locator('[data-decision=accepted]').waitFor();

  await page.goto(`${place.platform}/dossiers/${dossier}`);
  await page.locator('[data-testid=proofs][data-state=valid]').waitFor();
  await page.locator('[data-testid=decision][data-decision=accepted]').waitFor();
  await page.getByText('Dossier complet.').waitFor();
  await picture(page, 'timeline.fr');
  assert.deepEqual(citizen.trouble.filter(unexpected), []);
  assert.deepEqual(officer.trouble.filter(unexpected), []);
});
