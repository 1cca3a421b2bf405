// From nothing to the first decision, through the pages alone: administrator, organisation, key manager, scheme, officer, citizen.
// Each page is looked at in both languages, and leaves its picture.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { ours, run, scratch, start } from './harness/processes.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Looks at a page in both languages: its picture, its accessibility, no sideways scrolling on a small phone. */
async function look(page, name) {
  await picture(page, `${name}.fr`);
  assert.deepEqual(await faults(page), [], `${name} in French`);
  await page.getByRole('button', { name: 'English' }).click();
  await picture(page, `${name}.en`);
  assert.deepEqual(await faults(page), [], `${name} in English`);
  assert.equal(Math.max(0, await overflowAt320(page)), 0, `${name} fits 320 px`);
  await page.getByRole('button', { name: 'Français' }).click();
}

async function accept(page, link, name) {
  await passkeyDevice(page);
  await page.goto(link);
  await page.getByLabel('Nom et prénom').fill(name);
  return () => page.locator('form button[type=submit]').click();
}

/** The key manager of the organisation, made and connected by the commands that its administrator types. */
function keyManager(t, port) {
  const folder = scratch();
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'one passphrase for this test', { mode: 0o600 });
  const state = ['--data', join(folder, 'keymanager'), '--passphrase-file', passphrase];
  const call = (...words) => JSON.parse(run(ours('sceau'), ['keymanager', words[0], ...state, ...words.slice(1)]));
  const { root_fingerprint } = call('init', '--organisation-name', 'Ville d’Essai', '--address', `https://cles.localhost:${port}`);
  return {
    root_fingerprint,
    /** The certificate alone: the file also holds the sealed key. */
    authority() {
      const whole = readFileSync(join(folder, 'keymanager', 'authority.pem'), 'utf8');
      const pem = join(folder, 'authority.pem');
      writeFileSync(pem, /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n/.exec(whole)[0]);
      return pem;
    },
    certificate(name, role) {
      const p12 = join(folder, `${role}.p12`);
      const { password, fingerprint } = call('certificate', '--name', name, '--role', role, '--out', p12);
      return { p12, password, fingerprint, host: 'cles.localhost' };
    },
    connect(command, secret) {
      const file = join(folder, 'secret.txt');
      writeFileSync(file, secret, { mode: 0o600 });
      const words = command.replaceAll('\\\n', ' ').replace('secret.txt', file).trim().split(/\s+/).slice(3);
      call('connect', ...words);
    },
    serve: () => start(t, ours('sceau'), ['serve', 'keymanager', ...state, '--listen', `127.0.0.1:${port}`]),
  };
}

async function publishScheme(page) {
  await page.getByRole('link', { name: /aides/i }).first().click();
  await button(page, 'Préparer une aide').click();
  await page.getByLabel('Titre en français').fill('Cantine scolaire');
  await page.getByLabel('Titre en anglais').fill('School canteen');
  await page.getByLabel('Description en français').fill('Tarif réduit selon les revenus.');
  await page.getByLabel('Description en anglais').fill('Reduced price according to income.');
  await page.getByRole('group', { name: 'Document 1' }).getByLabel('En français').fill('Avis d’imposition');
  await page.getByRole('group', { name: 'Document 1' }).getByLabel('En anglais').fill('Tax notice');
  await look(page, 'scheme-editor');
  await button(page, 'Signer et publier').click();
  await page.getByText('Cantine scolaire').first().waitFor();
}

test('an organisation is brought in, publishes, receives and decides, through the pages alone', async (t) => {
  const port = await freePort();
  const { ready } = await start(t, ours('sceau'), ['up', '--data', scratch()]);
  const origin = ready.platform;
  const keys = keyManager(t, port);

  const administration = await openBrowser(t);
  const admin = await administration.newPage();
  await admin.goto(origin);
  await look(admin, 'welcome');
  await admin.goto(`${origin}/entrer`);
  await look(admin, 'enter');
  const enter = await accept(admin, ready.first_administrator, 'Ada Admin');
  await admin.getByLabel('Adresse électronique').fill('ada@exemple.fr');
  await look(admin, 'invitation');
  await enter();
  await button(admin, 'Inscrire une organisation').click();
  await admin.getByLabel('Nom', { exact: true }).fill('Ville d’Essai');
  await admin.getByLabel('Adresse électronique de contact').fill('contact@ville.exemple.fr');
  await admin.getByLabel('Groupe 1 sur 16').fill(keys.root_fingerprint);
  await look(admin, 'enrol-organisation');
  await button(admin, 'Signer et inscrire').click();
  await admin.getByTestId('client-secret').waitFor();
  await look(admin, 'organisation-enrolled');
  keys.connect(await admin.getByTestId('connect-command').innerText(), await admin.getByTestId('client-secret').innerText());
  const officer = keys.certificate('Anne Agent', 'case-officer');
  const administrator = keys.certificate('Kim Gardienne', 'administrator');
  const authority = keys.authority();
  await keys.serve();
  await button(admin, 'J’ai transmis le secret').or(button(admin, "J'ai transmis le secret")).click();
  await admin.getByLabel('Son adresse électronique').fill('chef@ville.exemple.fr');
  await button(admin, 'Signer l’invitation').or(button(admin, "Signer l'invitation")).click();
  const chiefLink = (await admin.getByTestId('invitation-link').innerText()).trim();

  const direction = await openBrowser(t);
  const chief = await direction.newPage();
  await (await accept(chief, chiefLink, 'Charles Chef'))();
  await chief.getByRole('link', { name: /aides/i }).first().waitFor();
  await publishScheme(chief);
  await look(chief, 'schemes');
  await chief.goto(`${origin}/organisation/equipe`);
  await chief.getByLabel('Adresse électronique').fill('anne@ville.exemple.fr');
  await look(chief, 'team');
  await button(chief, 'Signer l’invitation').or(button(chief, "Signer l'invitation")).click();
  const officerLink = (await chief.getByTestId('invitation-link').innerText()).trim();

  const office = await openBrowser(t, { authority, certificate: officer });
  const desk = await office.newPage();
  await (await accept(desk, officerLink, 'Anne Agent'))();
  await desk.getByRole('heading', { name: 'Dossiers reçus' }).waitFor();
  await look(desk, 'inbox-empty');
  const account = (await desk.evaluate(async () => (await fetch('/v1/me')).json())).account.id;

  const guard = await openBrowser(t, { authority, certificate: administrator });
  const keeper = await guard.newPage();
  await keeper.goto(`https://cles.localhost:${port}/`);
  await keeper.getByText('Ville d’Essai').first().waitFor();
  await look(keeper, 'key-manager');
  await keeper.goto(`https://cles.localhost:${port}/administration`);
  await keeper.getByRole('heading', { name: 'Clés', exact: true }).waitFor();
  await look(keeper, 'key-manager-keys');
  await keeper.getByRole('link', { name: 'Gestionnaires' }).click();
  await button(keeper, 'Relier un certificat à un compte').click();
  await keeper.getByLabel('Empreinte du certificat').fill(officer.fingerprint);
  await keeper.getByLabel('Identifiant du compte sur Sceau').fill(account);
  await keeper.getByLabel('Nom de la personne').fill('Anne Agent');
  await look(keeper, 'key-manager-officers');
  await button(keeper, 'Relier').click();
  await keeper.getByText('Le certificat est relié au compte.').waitFor();

  const nobody = await openBrowser(t, { authority });
  const stranger = await nobody.newPage();
  await stranger.goto(`https://cles.localhost:${port}/open#ticket=none`);
  await stranger.getByRole('heading').first().waitFor();
  await look(stranger, 'certificate-missing');

  const home = await openBrowser(t);
  const citizen = await home.newPage();
  await passkeyDevice(citizen);
  await citizen.goto(`${origin}/entrer`);
  await button(citizen, 'Créer un compte').click();
  await citizen.getByLabel('Nom et prénom').fill('Cléo Citoyenne');
  await citizen.getByLabel('Adresse électronique').fill('cleo@exemple.fr');
  await button(citizen, 'Créer ma clé d’accès').click();
  await citizen.getByText('Cantine scolaire').first().waitFor();
  await look(citizen, 'choose');
  await citizen.getByText('Cantine scolaire').first().click();
  await citizen.locator('[data-testid=recipient][data-state=verified]').waitFor();
  const notice = { name: 'avis.txt', mimeType: 'text/plain', buffer: Buffer.from('Revenu fiscal de référence : 18 500 €') };
  await citizen.getByLabel('Choisir des fichiers').setInputFiles([notice]);
  await look(citizen, 'deposit');
  await button(citizen, 'Sceller et envoyer').click();
  await button(citizen, 'Signer et déposer').click();
  await citizen.getByTestId('receipt').waitFor();
  await look(citizen, 'receipt');
  const dossier = (await citizen.getByTestId('dossier-id').innerText()).trim();

  await desk.goto(`${origin}/organisation`);
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).waitFor();
  await look(desk, 'inbox');
  await desk.locator(`[data-testid=received][data-id="${dossier}"]`).getByRole('button').click();
  await desk.waitForURL(/^https:\/\/cles\.localhost/);
  await desk.getByRole('heading', { name: 'Cantine scolaire' }).waitFor();
  await button(desk, 'Ouvrir Document 1').click();
  await desk.getByText('avis.txt').waitFor();
  await look(desk, 'open');
  await desk.getByRole('radio', { name: 'Demander un complément' }).check();
  await desk.getByLabel('Motif, pour la personne').fill('Il manque la seconde page.');
  await button(desk, 'Signer la décision').click();
  await desk.locator('[data-decision=more_information]').waitFor();

  await citizen.goto(`${origin}/dossiers`);
  await citizen.getByText('Cantine scolaire').first().waitFor();
  await look(citizen, 'dossiers');
  await citizen.goto(`${origin}/dossiers/${dossier}`);
  await citizen.locator('[data-testid=proofs][data-state=valid]').waitFor();
  await citizen.getByText('Il manque la seconde page.').waitFor();
  await look(citizen, 'dossier');
  await citizen.goto(`${origin}/trace`);
  await citizen.locator('[data-testid=consistency-state][data-state=valid]').waitFor();
  await look(citizen, 'trace');
  await citizen.goto(`${origin}/nulle-part`);
  await look(citizen, 'not-found');
});
