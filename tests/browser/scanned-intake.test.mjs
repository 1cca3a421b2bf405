// Scanned intake in a real browser: who sees what is said first; each state of a file is shown; what is clean is signed and deposited.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { openBrowser, passkeyDevice, picture } from './harness/chromium.mjs';
import { freePorts, ours, scratch, start } from './harness/processes.mjs';

/** Bytes that no conversion to text survives. */
const SIGNATURE = Buffer.from([0x4d, 0x00, 0xff, 0xfe, 0x80, 0xc3, 0x28, 0x9f]);

/** A ClamAV daemon with one signature of ours, its streams in memory. */
class Clamd {
  constructor() {
    this.folder = scratch();
    this.memory = mkdtempSync('/dev/shm/sceau-clamd-');
    mkdirSync(join(this.folder, 'db'));
    writeFileSync(join(this.folder, 'db', 'local.ndb'), `Sceau.Test:0:*:${SIGNATURE.toString('hex')}\n`);
    const settings = ['Foreground yes', 'LogVerbose yes', 'AlertEncrypted yes', `DatabaseDirectory ${this.folder}/db`,
      `TemporaryDirectory ${this.memory}`, `LocalSocket ${this.folder}/socket`];
    writeFileSync(join(this.folder, 'clamd.conf'), settings.join('\n'));
  }

  async start() {
    const words = ['--pdeathsig', 'KILL', '--', 'stdbuf', '--output=L', existsSync('/usr/sbin/clamd') ? '/usr/sbin/clamd' : 'clamd'];
    this.child = spawn('setpriv', [...words, '--config-file', join(this.folder, 'clamd.conf')], { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const line of createInterface(this.child.stdout)) if (line.includes('Listening daemon')) break;
    this.child.stdout.resume();
  }

  async fall() {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    rmSync(join(this.folder, 'socket'), { force: true });
  }

  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.fall();
    rmSync(this.memory, { recursive: true, force: true });
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

const FR = { account: 'Créer un compte', name: 'Nom et prénom', email: 'Adresse électronique', passkey: 'Créer ma clé d’accès', scheme: 'Forfait mobilités', days: 'Jours de trajet par mois', next: 'Continuer vers les documents' };
const EN = { account: 'Create an account', name: 'Full name', email: 'E-mail address', passkey: 'Create my passkey', scheme: 'Mobility allowance', days: 'Days of travel a month', next: 'Continue to the documents' };

test('a deposit through the intake shows each state', async (t) => {
  const clamd = new Clamd();
  await clamd.start();
  t.after(() => clamd.end());
  const data = scratch();
  const [platform, key_manager, intake] = await freePorts(3);
  writeFileSync(join(data, 'ports.json'), JSON.stringify({ platform, key_manager, intake }), { mode: 0o600 });
  const { ready: house } = await start(t, ours('sceau'), ['up', '--data', data, '--demonstration', '--antivirus', `unix:${clamd.folder}/socket`]);

  const { browser, page } = await open(t, house, 'fr-FR', 'light', 'cleo@exemple.fr', FR);
  await look(page, 'scanned-who-sees.fr');
  await page.getByLabel('Choisir des fichiers').setInputFiles([
    file('justificatif.pdf', pdf()),
    file('douteux.pdf', pdf(SIGNATURE)),
    file('programme.pdf', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(3000, 1)])),
  ]);
  await clamd.fall();
  await button(page, 'Envoyer au contrôle').click();
  await page.locator('[data-phase=antivirus]').waitFor();
  await look(page, 'scanned-waiting.fr');
  await clamd.start();
  await page.locator('[data-phase=done]').waitFor();
  assert.equal(await page.locator('[data-phase=refused]').count(), await page.getByTestId('file-refused').count());
  await page.getByText('Un document a été refusé.').waitFor();
  assert.match(await page.getByTestId('file-refused').first().innerText(), /logiciel malveillant/);
  assert.match(await page.getByTestId('file-refused').last().innerText(), /pas un PDF/);
  await look(page, 'scanned-refused.fr');
  await button(page, 'Revenir aux documents').click();
  for (const name of ['douteux.pdf', 'programme.pdf']) await button(page, `Retirer ${name}`).click();
  await button(page, 'Envoyer au contrôle').click();
  await button(page, 'Signer et déposer').waitFor();
  await look(page, 'scanned-sealed.fr');
  await button(page, 'Signer et déposer').click();
  assert.equal(await page.getByTestId('way').innerText(), 'Contrôlé par antivirus, puis scellé');
  await look(page, 'scanned-receipt.fr');
  const dossier = (await page.getByTestId('dossier-id').innerText()).trim();
  await page.goto(`${house.platform}/dossiers/${dossier}`);
  await page.locator('[data-action="intake.scan"][data-proof=valid]').first().waitFor();
  await look(page, 'scanned-timeline.fr');
  const unexpected = browser.trouble.filter((line) => !/status of (401|422)/.test(line));
  assert.deepEqual(unexpected, []);

  const english = await open(t, house, 'en-GB', 'dark', 'cleo@example.org', EN);
  await look(english.page, 'scanned-who-sees.en');
  await english.page.getByLabel('Choose files').setInputFiles([file('proof.pdf', pdf())]);
  await button(english.page, 'Send to be checked').click();
  await button(english.page, 'Sign and deposit').waitFor();
  await look(english.page, 'scanned-sealed.en');
});
