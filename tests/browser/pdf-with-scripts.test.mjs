// A PDF with scripts everywhere, and a program that calls itself a PDF, sealed and opened on the key manager's page: the one is shown and none of its
// scripts runs, the other is not shown; and nothing is called but key manager and platform.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { button, deposit, officerAt } from './harness/people.mjs';
import { ours, root, scratch, start } from './harness/processes.mjs';
import { BAR, scriptedPdf, WORDS } from './harness/scripted-pdf.mjs';

/** A server that nobody may call, and what it was asked. */
async function canary(t) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { origin: `http://127.0.0.1:${server.address().port}`, asked };
}

/** Scripts of a document as pdf.js itself reads them: that the document has any, and where. */
async function scripts(bytes) {
  const { getDocument } = await import(`${root}/web/keys/node_modules/pdfjs-dist/legacy/build/pdf.mjs`);
  const document = await getDocument({ data: new Uint8Array(bytes), verbosity: 0 }).promise;
  const page = await document.getPage(1);
  const fields = await document.getFieldObjects();
  const found = {
    document: Object.keys((await document.getJSActions()) ?? {}),
    page: Object.keys((await page.getJSActions()) ?? {}),
    field: Object.keys(fields.montant?.[0].actions ?? {}),
    order: await document.getCalculationOrderIds(),
  };
  await document.destroy();
  return found;
}

/** What whoever is inside the frame can do there, beside drawing. A turn later: what is evaluated from outside may do more. */
const POWERS = `new Promise((done) => setTimeout(async () => {
  const can = async (work) => { try { await work(); return true; } catch { return false; } };
  const loads = (made) => new Promise((yes, no) => { made.onload = made.onmessage = yes; made.onerror = no; });
  const inline = () => {
    const made = document.createElement('script');
    made.textContent = 'globalThis.inlineRan = true';
    document.head.append(made);
    if (!globalThis.inlineRan) throw new Error('it did not run');
  };
  done({
    eval: await can(() => eval('1')),
    makeFunctions: await can(() => new Function('return 1')()),
    inlineScript: await can(inline),
    worker: await can(() => loads(new Worker(URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }))))),
    call: await can(() => fetch(CANARY + '/probed', { mode: 'no-cors' })),
    drawFromElsewhere: await can(() => loads(Object.assign(new Image(), { src: CANARY + '/probed.png' }))),
    openWindow: await can(() => { if (!window.open(CANARY + '/window')) throw new Error('none'); }),
    readParent: await can(() => parent.document.title),
    keep: await can(() => localStorage.setItem('a', 'b')),
    origin: self.origin,
  });
}, 0))`;

/** Black of the bar that the field draws, and white beside it. */
const SHADES = ({ x, y }) => {
  const canvas = document.querySelector('canvas');
  const at = (left, top) => canvas.getContext('2d').getImageData(left * canvas.width, top * canvas.height, 1, 1).data[0];
  return [at(x, y), at(x, y + 0.1)];
};

test('a PDF with scripts is shown without running them', async (t) => {
  const watched = await canary(t);
  const scripted = scriptedPdf(watched.origin);
  const found = await scripts(scripted);
  assert.deepEqual(found.document.sort(), ['DidPrint', 'OpenAction', 'WillClose', 'first'].sort(), 'the document has scripts');
  assert.ok(found.page.length > 0 && found.field.length > 0 && found.order.length === 1, JSON.stringify(found));
  const program = Buffer.concat([Buffer.from('MZ\x90\x00', 'latin1'), Buffer.alloc(4000, 7)]);

  const { ready } = await start(t, ours('sceau'), ['up', '--data', scratch(), '--demonstration']);
  const { dossier } = await deposit(t, ready.platform, [
    { name: 'facture.pdf', mimeType: 'application/pdf', buffer: scripted },
    { name: 'programme.pdf', mimeType: 'application/pdf', buffer: program },
  ]);
  const desk = await officerAt(t, ready.demonstration, dossier);
  const context = desk.context();
  const [requests, surprises] = [[], []];
  context.on('request', (request) => requests.push(request.url()));
  context.on('page', (page) => surprises.push(`a window: ${page.url()}`));
  desk.on('dialog', (dialog) => surprises.push(`a dialog: ${dialog.message()}`));
  const answer = desk.waitForResponse((response) => response.url().endsWith('/viewer.html'));
  const address = desk.url();

  await button(desk, 'Ouvrir Document 2').click();
  const other = desk.locator('article[data-file]').nth(1);
  await other.getByText('programme.pdf').waitFor();
  await other.getByText('ne s’affiche pas ici').waitFor();
  assert.equal(await other.locator('iframe').count(), 0, 'a program is not shown, whatever it calls itself');

  await button(desk, 'Ouvrir Document 1').click();
  const article = desk.locator('article[data-file]').first();
  const figure = article.locator('[data-viewer=shown]');
  await figure.waitFor();
  await article.locator('iframe').scrollIntoViewIfNeeded();
  await article.frameLocator('iframe').getByText(WORDS).waitFor();
  const frame = desk.frames().find((each) => each.url().endsWith('/viewer.html'));

  // Somebody works with it: each click would follow a link or run a script of the field.
  const box = await article.locator('iframe').boundingBox();
  for (const part of [0.2, 0.35, 0.5]) await desk.mouse.click(box.x + box.width / 2, box.y + box.height * part);

  const page = await frame.evaluate(() => ({ ran: globalThis.ran, said: document.getElementById('pages').innerText.trim(), title: document.title }));
  assert.deepEqual(page, { ran: undefined, said: WORDS, title: 'Document' });
  assert.deepEqual(await frame.evaluate(SHADES, BAR), [0, 255], 'the field is drawn as it was deposited');
  assert.equal(await figure.getAttribute('data-sha256'), createHash('sha256').update(scripted).digest('hex'), 'nobody else spoke for the frame');
  assert.deepEqual(context.trouble, [], 'nothing was tried that the policy had to stop');

  const policy = (await answer).headers()['content-security-policy'].split('; ');
  const of = (name) => policy.filter((line) => line.startsWith(name)).join();
  assert.equal(of('default-src'), "default-src 'none'");
  assert.equal(of('sandbox'), 'sandbox allow-scripts');
  assert.match(of('script-src'), /^script-src 'sha256-[A-Za-z0-9+/=]+' 'wasm-unsafe-eval'$/);
  for (const name of ['connect-src', 'worker-src', 'child-src', 'frame-src', 'object-src']) assert.equal(of(name), '', `${name} is none, as by default`);
  assert.equal(await article.locator('iframe').getAttribute('sandbox'), 'allow-scripts');

  // Until here by the document's own doing; now by whoever would have taken over the frame.
  const allowed = new Set([ready.platform, new URL(address).origin, 'null']);
  const foreign = () => requests.filter((url) => !allowed.has(new URL(url).origin) && !/^(blob|data):/.test(url));
  assert.deepEqual(foreign(), []);
  const powers = await frame.evaluate(POWERS.replaceAll('CANARY', JSON.stringify(watched.origin)));
  assert.deepEqual(powers, {
    eval: false, makeFunctions: false, inlineScript: false, worker: false, call: false, drawFromElsewhere: false, openWindow: false,
    readParent: false, keep: false, origin: 'null',
  });
  assert.equal(desk.url(), address, 'nothing was left for elsewhere');
  assert.deepEqual(surprises, []);
  assert.deepEqual(watched.asked, [], 'nobody was called');
});
