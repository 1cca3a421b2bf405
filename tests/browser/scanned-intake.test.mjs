// Scanned intake in a real browser: who sees what is said first; each state of a file is shown; what is clean is signed and deposited.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { Clamd, SIGNATURE } from './harness/clamd.mjs';
import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { freePorts, ours, scratch, start } from './harness/processes.mjs';

/** Stands between the intake and the daemon, and keeps verdicts back for a while: an antivirus that looks at a document for long. */
class Verdicts {
  constructor(clamd) {
    this.path = join(clamd.folder, 'verdicts');
    this.held = undefined;
    this.server = createServer((intake) => {
      const daemon = connect(join(clamd.folder, 'socket'));
      let scans = false;
      intake.once('data', (first) => { scans = first.includes('zINSTREAM'); });
      intake.pipe(daemon);
      daemon.on('data', async (answer) => {
        if (scans) await this.held?.promise;
        intake.write(answer);
      });
      daemon.on('end', async () => { if (scans) await this.held?.promise; intake.end(); });
      for (const side of [intake, daemon]) side.on('error', () => { intake.destroy(); daemon.destroy(); });
    });
  }

  async start() {
    this.server.listen(this.path);
    await once(this.server, 'listening');
  }

  hold() {
    const held = {};
    held.promise = new Promise((resolve) => { held.resolve = resolve; });
    this.held = held;
  }

  release() {
    this.held?.resolve();
    this.held = undefined;
  }
}

const pdf = (more = '', size = 30_000) =>
  Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(size, 'x'), Buffer.isBuffer(more) ? more : Buffer.from(more), Buffer.from('\n%%EOF')]);
const file = (name, buffer) => ({ name, mimeType: 'application/pdf', buffer });
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function look(page, name) {
  await picture(page, name);
  assert.deepEqual(await faults(page), [], name);
  assert.equal(await overflowAt320(page), 0, `${name} at 320 px`);
}

async function open(t, house, locale, colorScheme, email, words) {
  const browser = await openBrowser(t, { locale, colorScheme });
  const page = await browser.newPage();
  await passkeyDevice(page);
  await page.goto(`${house.platform}/entrer`);
  await button(page, words.account).click();
  await page.getByLabel(words.name).fill('Cléo Citoyenne');
  await page.getByLabel(words.email).fill(email);
  await button(page, words.passkey).click();
  await page.getByText(words.scheme).first().click();
  await page.locator('[data-testid=recipient][data-state=verified]').waitFor();
  await page.getByLabel(words.days).fill('12');
  await button(page, words.next).click();
  await page.getByTestId('who-sees').waitFor();
  return { browser, page };
}

const FR = {
  account: 'Créer un compte', name: 'Nom et prénom', email: 'Adresse électronique', passkey: 'Créer ma clé d’accès', scheme: 'Forfait mobilités', days: 'Jours de trajet par mois',
  next: 'Continuer vers les documents', choose: 'Choisir des fichiers', send: 'Envoyer au contrôle', back: 'Revenir aux documents', remove: 'Retirer', sign: 'Signer et déposer',
  refused: 'Un document a été refusé.', way: 'Contrôlé par antivirus, puis scellé',
  states: { antivirus: 'en attente de l’antivirus', scanning: 'examen par l’antivirus', done: 'contrôlé et scellé', refused: 'refusé' },
  reasons: { 'douteux.pdf': /logiciel malveillant/, 'programme.pdf': /pas un PDF/, 'secret.pdf': /protégé par un mot de passe/ },
};
const EN = {
  account: 'Create an account', name: 'Full name', email: 'E-mail address', passkey: 'Create my passkey', scheme: 'Mobility allowance', days: 'Days of travel a month',
  next: 'Continue to the documents', choose: 'Choose files', send: 'Send to be checked', back: 'Back to the documents', remove: 'Remove', sign: 'Sign and deposit',
  refused: 'A document was refused.', way: 'Checked by an antivirus, then sealed',
  states: { antivirus: 'waiting for the antivirus', scanning: 'being checked by the antivirus', done: 'checked and sealed', refused: 'refused' },
  reasons: { 'douteux.pdf': /malicious software/, 'programme.pdf': /not a PDF/, 'secret.pdf': /protected by a password/ },
};

/** From the chosen files to the receipt, through each state, in one language. */
async function journey(page, { clamd, verdicts }, words, tag) {
  const parcel = (name) => page.getByTestId('file').filter({ hasText: name });
  const stands = async (name, phase) => {
    await parcel(name).and(page.locator(`[data-phase=${phase}]`)).waitFor();
    assert.equal(await parcel(name).getByTestId('file-state').innerText(), words.states[phase], `${name}: ${phase}`);
  };
  await look(page, `scanned-who-sees.${tag}`);
  await page.getByLabel(words.choose).setInputFiles([
    file('justificatif.pdf', pdf()),
    file('douteux.pdf', pdf(SIGNATURE)),
    file('programme.pdf', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(3000, 1)])),
    file('secret.pdf', pdf('trailer << /Root 1 0 R /Encr#79pt 5 0 R >>')),
  ]);
  await clamd.fall();
  verdicts.hold();
  await button(page, words.send).click();
  await stands('justificatif.pdf', 'antivirus');
  await look(page, `scanned-waiting.${tag}`);
  await clamd.start();
  await stands('justificatif.pdf', 'scanning');
  await picture(page, `scanned-scanning.${tag}`);
  verdicts.release();
  await page.getByText(words.refused).waitFor();
  await stands('justificatif.pdf', 'done');
  for (const [name, reason] of Object.entries(words.reasons)) {
    await stands(name, 'refused');
    assert.match(await parcel(name).getByTestId('file-refused').innerText(), reason);
  }
  await look(page, `scanned-refused.${tag}`);
  await button(page, words.back).click();
  for (const name of Object.keys(words.reasons)) await button(page, `${words.remove} ${name}`).click();
  await button(page, words.send).click();
  await button(page, words.sign).waitFor();
  await look(page, `scanned-sealed.${tag}`);
  await button(page, words.sign).click();
  assert.equal(await page.getByTestId('way').innerText(), words.way);
  await look(page, `scanned-receipt.${tag}`);
}

test('a deposit through the intake shows each state, in both languages', async (t) => {
  const clamd = new Clamd();
  await clamd.start();
  t.after(() => clamd.end());
  const verdicts = new Verdicts(clamd);
  await verdicts.start();
  t.after(() => verdicts.server.close());
  const data = scratch();
  const [platform, key_manager, intake] = await freePorts(3);
  writeFileSync(join(data, 'ports.json'), JSON.stringify({ platform, key_manager, intake }), { mode: 0o600 });
  const { ready: house } = await start(t, ours('sceau'), ['up', '--data', data, '--demonstration', '--antivirus', `unix:${verdicts.path}`]);

  const { browser, page } = await open(t, house, 'fr-FR', 'light', 'cleo@exemple.fr', FR);
  // Documents go where the organisation's scheme says, and to the platform only what is sealed.
  const sent = new Set();
  page.on('request', (request) => { if (request.method() === 'PUT') sent.add(new URL(request.url()).host); });
  await journey(page, { clamd, verdicts }, FR, 'fr');
  assert.deepEqual([...sent], [`depot.localhost:${intake}`]);
  const dossier = (await page.getByTestId('dossier-id').innerText()).trim();
  await page.goto(`${house.platform}/dossiers/${dossier}`);
  await page.locator('[data-action="intake.scan"][data-proof=valid]').first().waitFor();
  await look(page, 'scanned-timeline.fr');
  assert.deepEqual(browser.trouble.filter((line) => !/status of (401|422)/.test(line)), []);

  const english = await open(t, house, 'en-GB', 'dark', 'cleo@example.org', EN);
  await journey(english.page, { clamd, verdicts }, EN, 'en');
});
