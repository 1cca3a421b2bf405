// A sealed deposit with an infected document, in real browsers: the organisation's own ClamAV looks before the key leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clamd, SIGNATURE } from './harness/clamd.mjs';
import { picture } from './harness/chromium.mjs';
import { button, deposit, officerAt } from './harness/people.mjs';
import { ours, scratch, start } from './harness/processes.mjs';

const pdf = (more) => Buffer.concat([Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n'), more, Buffer.from('\n%%EOF\n')]);

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

  const desk = await officerAt(t, ready.demonstration, dossier);
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
