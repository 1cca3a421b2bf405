// The console of protected data: an administrator registers an application with a passkey, it protects, and the pages say who can read what.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { button } from './harness/people.mjs';
import { ours, run, scratch } from './harness/processes.mjs';
import { applicationKey, applicationOf, openProtection } from './harness/protection.mjs';

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

/** Fills in who accepts an invitation, and accepts it. */
async function accept(page, link, name, email) {
  await passkeyDevice(page);
  await page.goto(link);
  await page.getByLabel('Nom et prénom').fill(name);
  if (email) await page.getByLabel('Adresse électronique').fill(email);
  await page.locator('form button[type=submit]').click();
}

/** The administrator of the platform. */
async function administratorOf(t, protection) {
  const admin = await (await openBrowser(t)).newPage();
  await accept(admin, protection.firstAdministrator, 'Ada Admin', 'ada@exemple.fr');
  await button(admin, 'Inscrire une organisation').waitFor();
  return admin;
}

/** The administrator of a new organisation, signed in at their first page. */
async function chiefOf(t, admin, organisation, root) {
  await admin.getByRole('link', { name: 'Administration' }).click();
  await admin.reload();
  await button(admin, 'Inscrire une organisation').click();
  await admin.getByLabel('Nom', { exact: true }).fill(organisation);
  await admin.getByLabel('Adresse électronique de contact').fill('contact@hopital.exemple.fr');
  await admin.getByLabel('Groupe 1 sur 16').fill(root.repeat(32));
  await button(admin, 'Signer et inscrire').click();
  await admin.getByTestId('client-secret').waitFor();
  await button(admin, 'J’ai transmis le secret').click();
  await admin.getByLabel('Son adresse électronique').fill(`chef-${root}@hopital.exemple.fr`);
  await button(admin, 'Signer l’invitation').click();
  const link = (await admin.getByTestId('invitation-link').innerText()).trim();
  const direction = await openBrowser(t);
  const chief = await direction.newPage();
  await accept(chief, link, 'Charles Chef');
  await chief.getByRole('link', { name: 'Applications' }).waitFor();
  return { chief, trouble: direction.trouble };
}

/** What a page's session is answered. */
const asked = (page, path) => page.evaluate(async (at) => {
  const answer = await fetch(at);
  return { status: answer.status, body: await answer.json() };
}, path);

/** Registers an application with a new Ed25519 key. */
async function registerByPage(page, name) {
  const { path, pem } = applicationKey('ED25519');
  await page.getByRole('link', { name: 'Applications' }).click();
  await button(page, 'Inscrire une application').click();
  await page.getByLabel('Nom de l’application').fill(name);
  await page.getByLabel('Clé publique').fill(pem);
  await button(page, 'Signer et inscrire').click();
  return { id: (await page.getByTestId('application-id').innerText()).trim(), key: path };
}

const key = (page, kid) => page.locator(`[data-testid=application-key][data-kid="${kid}"]`);

test('an administrator registers an application, changes its keys, and sees who can read its data', async (t) => {
  const protection = await openProtection(t);
  const { chief, trouble } = await chiefOf(t, await administratorOf(t, protection), 'Hôpital d’Essai', 'ab');
  const [ed, rsa] = [applicationKey('ED25519'), applicationKey('RSA', '-pkeyopt', 'rsa_keygen_bits:2048')];

  await chief.getByRole('link', { name: 'Applications' }).click();
  await chief.getByText('Aucune application n’est encore inscrite.').waitFor();
  await button(chief, 'Inscrire une application').click();
  await chief.getByLabel('Nom de l’application').fill('Dossiers de soins');
  await chief.getByLabel('Clé publique').fill(ed.pem);
  const shown = (await chief.getByTestId('key-fingerprint').innerText()).replace(/\s/g, '');
  assert.equal(shown, ed.fingerprint, 'the fingerprint is what OpenSSL says');
  await look(chief, 'application-register');
  await button(chief, 'Signer et inscrire').click();
  await chief.locator('[data-testid=application-proof][data-state=valid]').waitFor();
  const application = (await chief.getByTestId('application-id').innerText()).trim();

  // What was registered by a page works for a program.
  const caller = applicationOf(protection, application, ed.path);
  const report = caller.protect('ordonnance-mars.txt', 'alice@exemple.fr', '--grant-group', 'soignants', '--grant-user', 'bob@exemple.fr');
  caller.unprotect(report, 'bob@exemple.fr');
  assert.throws(() => caller.unprotect(report, 'mallory@exemple.fr'), /user_not_authorised/);

  await button(chief, 'Ajouter une clé à l’application Dossiers de soins').click();
  await chief.getByLabel('Clé publique').fill(rsa.pem);
  await chief.getByLabel('Nom de la clé (kid)').fill('2026-rsa');
  await look(chief, 'application-key');
  await button(chief, 'Signer et ajouter').click();
  await key(chief, '2026-rsa').waitFor();
  await button(chief, 'Mettre fin à la clé 2026-rsa de l’application Dossiers de soins').click();
  await button(chief, 'Signer la fin de la clé').click();
  await chief.locator('[data-testid=application-key][data-kid="2026-rsa"][data-status=ended]').waitFor();
  await look(chief, 'applications');

  await button(chief, 'Désactiver l’application Dossiers de soins').click();
  await button(chief, 'Signer la désactivation').click();
  await chief.getByText('Désactivée : tous ses appels sont refusés.').waitFor();
  assert.throws(() => caller.unprotect(report, 'alice@exemple.fr'), /application/);
  await button(chief, 'Réactiver l’application Dossiers de soins').click();
  await button(chief, 'Signer la réactivation').click();
  await chief.getByText('En service · 1 clé en service').waitFor();
  caller.unprotect(report, 'alice@exemple.fr');
  assert.deepEqual(trouble, []);
});

test('what an application protects is found, and a picture says who can read it; a row that the database altered is seen', async (t) => {
  const protection = await openProtection(t);
  const admin = await administratorOf(t, protection);
  const { chief, trouble } = await chiefOf(t, admin, 'Hôpital d’Essai', 'ab');
  await chief.getByRole('link', { name: 'Données' }).click();
  await chief.getByText('Vos applications n’ont encore rien protégé.').waitFor();
  const application = await registerByPage(chief, 'Dossiers de soins');
  const caller = applicationOf(protection, application.id, application.key);
  const alice = 'alice@exemple.fr';
  const said = (label, ...words) => ['--label', label, ...words];
  const leaf = caller.protect('mars.txt', alice, ...said('Ordonnance de mars', '--tag', 'cardiologie', '--grant-group', 'soignants', '--grant-user', 'bob@exemple.fr'));
  caller.protect('radio.txt', 'zoe@exemple.fr', ...said('Radiographie', '--tag', 'imagerie'));
  caller.protect('avril.txt', alice, ...said('Ordonnance d’avril'));
  caller.grant(leaf, alice, '--to-user', 'carol@exemple.fr');

  await chief.goto(`${protection.platform}/donnees`);
  const rows = chief.getByTestId('datum');
  const names = async () => (await rows.getByRole('heading').allInnerTexts()).map((name) => name.trim());
  await chief.getByText('C’est tout.').waitFor();
  assert.deepEqual(await names(), ['Ordonnance d’avril', 'Radiographie', 'Ordonnance de mars']);
  await chief.getByText('Plus de critères').click();
  await look(chief, 'protected-data');
  const search = async (fields, expected) => {
    await chief.goto(`${protection.platform}/donnees`);
    await chief.getByText('Plus de critères').click();
    for (const [label, text] of Object.entries(fields)) await chief.getByLabel(label, { exact: true }).fill(text);
    await button(chief, 'Chercher').click();
    await chief.waitForURL(/\?./);
    await chief.getByText(expected.length > 0 ? 'C’est tout.' : 'Aucune donnée ne correspond.').waitFor();
    assert.deepEqual(await names(), expected, JSON.stringify(fields));
  };
  await search({ 'Mots du nom': 'ORDONNANCE' }, ['Ordonnance d’avril', 'Ordonnance de mars']);
  await search({ 'Personne ou groupe': 'carol@exemple.fr' }, ['Ordonnance de mars']);
  await search({ Étiquette: 'imagerie' }, ['Radiographie']);
  await search({ 'Mots du nom': 'ordonnance', 'Personne ou groupe': 'zoe@exemple.fr' }, []);
  await search({ 'Mots du nom': 'mars' }, ['Ordonnance de mars']);
  await button(chief, 'Réinitialiser la recherche').click();
  await chief.getByRole('link', { name: 'Radiographie' }).waitFor();
  await chief.goBack();
  await chief.getByRole('link', { name: 'Radiographie' }).waitFor({ state: 'detached' });
  await chief.getByRole('link', { name: 'Ordonnance de mars' }).click();
  await chief.locator('[data-testid=datum-proof][data-state=valid]').waitFor();
  const readers = await chief.getByTestId('reader').evaluateAll((all) => all.map(({ dataset }) => `${dataset.kind} ${dataset.name} ${dataset.standing}`));
  assert.deepEqual(readers, [`owner ${alice} reads`, 'user bob@exemple.fr reads', 'user carol@exemple.fr reads', 'group soignants reads']);
  await look(chief, 'datum');
  assert.deepEqual(trouble, []);

  // Neither another organisation's administrator nor the platform's sees any of it.
  const id = await chief.evaluate(() => location.pathname.split('/').at(-1));
  const { chief: other } = await chiefOf(t, admin, 'Clinique d’à côté', 'cd');
  assert.deepEqual((await asked(other, '/v1/protect/applications')).body, []);
  assert.deepEqual((await asked(other, `/v1/protect/data?application=${application.id}`)).body.data, []);
  assert.deepEqual((await asked(other, '/v1/protect/data?person=alice@exemple.fr')).body.data, []);
  assert.equal((await asked(other, `/v1/protect/data/${id}`)).status, 404);
  for (const path of ['applications', 'data', `data/${id}`]) assert.equal((await asked(admin, `/v1/protect/${path}`)).status, 403, path);
  assert.equal((await asked(chief, '/v1/protect/data?application=none')).body.code, 'malformed');
  assert.equal((await asked(chief, `/v1/protect/data/${id.slice(1)}`)).status, 404);

  // Whoever administers the database hides that carol can read it.
  const sql = "UPDATE protect_datum SET payload = CAST(replace(CAST(payload AS TEXT), 'carol@exemple.fr', 'nobody@exempl.fr') AS BLOB) WHERE id = ?";
  const program = 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1], timeout=10); d.execute(sys.argv[2], sys.argv[3:]); d.commit()';
  run('python3', ['-c', program, join(protection.data, 'records.db'), sql, id]);
  await chief.goto(`${protection.platform}/donnees?name=mars`);
  await chief.getByText('La base de données ne dit pas la vérité sur cette ligne.').waitFor();
  await chief.getByRole('link', { name: 'Ordonnance de mars' }).click();
  await chief.locator('[data-testid=reader][data-name="carol@exemple.fr"]').waitFor();
  await chief.getByText('La base de données contenait autre chose, ou rien.').waitFor();
  await chief.locator('[data-testid=datum-proof][data-state=valid]').waitFor();
});

/** Downloads what a button gives, and has the command line verify it offline, under the log's key. */
async function verifiedOffline(page, press, logKey) {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  const file = join(scratch(), download.suggestedFilename());
  await download.saveAs(file);
  return run(ours('sceau'), ['trace', 'verify', file, '--log-key', logKey]);
}

test('who asked for what, what was erased and how much: each line is proven in the page and offline, and nobody else sees it', async (t) => {
  const protection = await openProtection(t);
  const admin = await administratorOf(t, protection);
  const { chief, trouble } = await chiefOf(t, admin, 'Hôpital d’Essai', 'ab');
  const application = await registerByPage(chief, 'Dossiers de soins');
  const caller = applicationOf(protection, application.id, application.key);
  const [alice, mallory] = ['alice@exemple.fr', 'mallory@exemple.fr'];
  const leaf = caller.protect('mars.txt', alice, '--label', 'Ordonnance de mars');
  const gone = caller.protect('avril.txt', alice, '--label', 'Ordonnance d’avril');
  assert.throws(() => caller.unprotect(leaf, mallory), /user_not_authorised/);
  caller.erase(gone, alice);
  const { log_key: logKey } = (await asked(chief, '/v1/config')).body;

  // The list waits for no more than the platform's count.
  const rows = chief.locator('[data-testid=access-proof][data-state=valid]');
  await chief.goto(`${protection.platform}/protection/acces`);
  while ((await asked(chief, '/v1/protect/records')).body.records.length < 6) await chief.waitForTimeout(200);
  await chief.reload();
  await rows.nth(5).waitFor();
  const said = (await chief.locator('main ol').innerText()).replaceAll(/\s+/g, ' ');
  for (const text of [`a effacé une donnée au nom de ${alice}`, `a demandé la clé d’une donnée au nom de ${mallory} refusé : personne sans autorisation`, 'Un administrateur d’organisation a inscrit une application']) {
    assert.ok(said.includes(text), `${text}: ${said}`);
  }
  assert.equal(await chief.locator('[data-testid=access-proof][data-state=invalid]').count(), 0);
  await look(chief, 'accesses');
  await verifiedOffline(chief, () => chief.getByRole('button', { name: /^Télécharger la preuve/ }).first().click(), logKey);

  await chief.getByLabel('Issue').selectOption('refused');
  await button(chief, 'Filtrer').click();
  await chief.waitForURL(/outcome=refused/);
  await chief.getByTestId('looked').waitFor();
  assert.equal(await chief.getByTestId('access').count(), 1);

  await chief.goto(`${protection.platform}/protection/activite?sur=day`);
  const calls = chief.getByTestId('calls');
  await calls.waitFor();
  assert.equal(await calls.getAttribute('data-refused'), '1');
  assert.ok(Number(await calls.getAttribute('data-granted')) >= 3);
  await look(chief, 'activity');

  await chief.goto(`${protection.platform}/protection/effacements`);
  await chief.locator('[data-testid=erasure-proof][data-state=valid]').waitFor();
  assert.equal(await chief.getByTestId('erasure').getAttribute('data-standing'), 'due');
  await look(chief, 'erasures');
  await verifiedOffline(chief, () => chief.getByRole('button', { name: /^Télécharger le certificat d’effacement : Dossiers de soins, donnée du/ }).click(), logKey);

  await chief.goto(`${protection.platform}/protection/supervision`);
  await chief.getByTestId('text').nth(2).waitFor();
  assert.equal((await chief.getByTestId('text').first().innerText()).trim(), logKey);
  await look(chief, 'monitoring');

  const { chief: other } = await chiefOf(t, admin, 'Clinique d’à côté', 'cd');
  const [index] = (await asked(chief, '/v1/protect/records?outcome=refused')).body.records.map((line) => line.index);
  const datum = (await asked(chief, '/v1/protect/data?state=erased')).body.data[0].id;
  assert.deepEqual((await asked(other, '/v1/protect/records')).body.records.filter((line) => line.application !== null), []);
  for (const path of [`records/${index}/evidence`, `data/${datum}/erasure`, `records?datum=${datum}`]) assert.equal((await asked(other, `/v1/protect/${path}`)).status, 404, path);
  for (const path of ['records', `records/${index}/evidence`, `data/${datum}/erasure`, 'activity?from=0&until=1', 'acts']) assert.equal((await asked(admin, `/v1/protect/${path}`)).status, 403, path);
  assert.deepEqual(trouble, []);
});

test('an administrator holds data by one gesture and releases them, and two are needed to erase', async (t) => {
  const protection = await openProtection(t);
  const { chief } = await chiefOf(t, await administratorOf(t, protection), 'Hôpital d’Essai', 'ab');
  const application = await registerByPage(chief, 'Dossiers de soins');
  const caller = applicationOf(protection, application.id, application.key);
  const alice = 'alice@exemple.fr';
  const [one, other] = [caller.protect('mars.txt', alice, '--label', 'Mars'), caller.protect('avril.txt', alice, '--label', 'Avril')];
  const act = async (name, confirm, reason) => {
    await chief.goto(`${protection.platform}/donnees`);
    await button(chief, 'Agir sur plusieurs données').click();
    await button(chief, 'Choisir tout ce qui est montré').click();
    await button(chief, name).click();
    await chief.getByLabel('Motif').fill(reason);
    if (name === 'Retenir') await look(chief, 'act-compose');
    await button(chief, confirm).click();
  };
  await act('Retenir', 'Signer, et retenir', 'Poste volé');
  await chief.locator('[data-testid=act][data-state=done] [data-testid=act-proof][data-state=valid]').waitFor();
  await look(chief, 'acts');
  for (const path of [one, other]) assert.throws(() => caller.unprotect(path, alice), /datum_held/);
  await chief.goto(`${protection.platform}/donnees?state=held`);
  await chief.getByTestId('datum').nth(1).waitFor();

  await act('Libérer', 'Signer, et libérer', 'Poste retrouvé');
  await chief.getByTestId('act').nth(1).waitFor();
  caller.unprotect(one, alice);

  await act('Effacer', 'Signer la demande', 'Fin du projet');
  await chief.locator('[data-code=approver_missing]').waitFor();
});

/** Chooses all that the list shows, says what becomes of it and why, and signs. */
async function actOnAll(page, protection, name, confirm, reason) {
  await page.goto(`${protection.platform}/donnees`);
  await button(page, 'Agir sur plusieurs données').click();
  await button(page, 'Choisir tout ce qui est montré').click();
  await button(page, name).click();
  await page.getByLabel('Motif').fill(reason);
  await button(page, confirm).click();
}

/** A person of their own browser, by an invitation that somebody signed in the form on their page. */
async function invitedBy(t, inviter, label, email, name) {
  await inviter.getByLabel(label).fill(email);
  await button(inviter, 'Signer l’invitation').click();
  const link = (await inviter.getByTestId('invitation-link').innerText()).trim();
  const page = await (await openBrowser(t)).newPage();
  await accept(page, link, name);
  return page;
}

test('a data officer acts on data and sees nothing else, and two people, each in a browser of their own, erase', async (t) => {
  const protection = await openProtection(t, { element: ['--approver-age', '0'] });
  const admin = await administratorOf(t, protection);
  const { chief } = await chiefOf(t, admin, 'Hôpital d’Essai', 'ab');
  const application = await registerByPage(chief, 'Dossiers de soins');
  const caller = applicationOf(protection, application.id, application.key);
  const alice = 'alice@exemple.fr';
  const leaf = caller.protect('mars.txt', alice, '--label', 'Ordonnance de mars');

  await chief.getByRole('link', { name: 'Équipe' }).click();
  await chief.getByRole('radio', { name: /^Responsable des données/ }).check();
  await look(chief, 'officer-invited');
  const officer = await invitedBy(t, chief, 'Adresse électronique', 'lise@hopital.exemple.fr', 'Lise Données');
  await officer.getByText('Ordonnance de mars').waitFor();
  await look(officer, 'officer-data');

  // Nothing but data: neither in the pages, nor behind them.
  for (const path of ['organisation/dossiers', 'organisation/connectors', 'organisation/webhook', 'administration/deliveries']) assert.equal((await asked(officer, `/v1/${path}`)).status, 403, path);
  const refused = await officer.evaluate(async (all) => Promise.all(all.map(async ([path, body]) => (await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).status)), [
    ['/v1/protect/applications', { payload: 'e30', previous: null, proof: { type: 'platform-asserted' } }],
    ['/v1/invitations/prepare', { role: 'data_officer', email: 'moi@exemple.fr' }],
  ]);
  assert.deepEqual(refused, [403, 403]);

  await actOnAll(officer, protection, 'Retenir', 'Signer, et retenir', 'Poste volé');
  await officer.locator('[data-testid=act][data-state=done] [data-testid=act-proof][data-state=valid]').waitFor();
  assert.throws(() => caller.unprotect(leaf, alice, '--force'), /datum_held/);
  await actOnAll(officer, protection, 'Libérer', 'Signer, et libérer', 'Poste retrouvé');
  await officer.getByTestId('act').nth(1).waitFor();
  caller.unprotect(leaf, alice, '--force');

  // Who invited the officer is not a second person; another administrator is.
  await admin.getByRole('link', { name: 'Administration' }).click();
  await admin.reload();
  await admin.getByRole('button', { name: /^Inviter son administrateur/ }).click();
  const second = await invitedBy(t, admin, 'Son adresse électronique', 'second@hopital.exemple.fr', 'Simone Seconde');
  await second.getByRole('link', { name: 'Données' }).waitFor();
  await actOnAll(officer, protection, 'Effacer', 'Signer la demande', 'Fin du projet');
  await officer.locator('[data-testid=act][data-state=requested]').waitFor();
  const approve = async (page) => {
    await page.goto(`${protection.platform}/protection/actes`);
    await page.locator('[data-testid=act][data-state=requested]').getByRole('button', { name: /^Approuver/ }).click();
    await page.getByText('Effacer 1 donnée pour toujours').waitFor();
    await button(page, 'Signer, et effacer pour toujours').click();
  };
  await approve(chief);
  await chief.locator('[data-code=same_person]').waitFor();
  caller.unprotect(leaf, alice, '--force');
  await approve(second);
  await second.locator('[data-testid=act][data-state=approved] [data-testid=act-proof][data-state=valid]').waitFor();
  const said = (await second.locator('[data-testid=act][data-state=approved]').innerText()).replaceAll(/\s+/g, ' ');
  assert.ok(said.includes('Demandé par Lise Données') && said.includes('Approuvé par vous'), said);
  await look(second, 'act-approved-by-two');
  assert.throws(() => caller.unprotect(leaf, alice, '--force'), /datum_erased/);
  await second.goto(`${protection.platform}/protection/effacements`);
  await second.locator('[data-testid=erasure-proof][data-state=valid]').waitFor();
  await second.getByText('Effacée par deux personnes').waitFor();
  assert.match(await second.getByTestId('erased').getByRole('heading').innerText(), /^Dossiers de soins, donnée du /);
  await look(second, 'erased-by-two');
});
