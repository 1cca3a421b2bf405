// A person logs in at a site by their keyring, in a real browser: the number on both screens, the way back, a browser that remembers, without scripts too.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { faults } from './harness/accessible.mjs';
import { openBrowser } from './harness/chromium.mjs';
import { raiseKeyring } from './harness/keyring.mjs';

const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const button = (page, name) => page.getByRole('button', { name });

/** A site that shows what came back to it. */
async function site(t) {
  const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<h1>back</h1>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/callback`;
}

/** Looks at a page: accessible, and never wider than a small phone. `SCEAU_PICTURES` names a folder for pictures. */
async function looked(page, name) {
  if (process.env.SCEAU_PICTURES) await page.screenshot({ path: `${process.env.SCEAU_PICTURES}/login-${name}.png`, fullPage: true });
  assert.deepEqual(await faults(page), [], name);
}

test('a person logs in at a site by their keyring', async (t) => {
  const redirect = await site(t);
  const house = await raiseKeyring(t, redirect);
  const asks = (more = {}) => {
    const words = { client_id: 'library', redirect_uri: redirect, response_type: 'code', scope: 'openid profile', state: 's1', nonce: 'n1',
      code_challenge: CHALLENGE, code_challenge_method: 'S256', ...more };
    return `${house.issuer}/authorize?${new URLSearchParams(words)}`;
  };
  const back = async (page) => {
    await page.waitForURL((url) => url.href.startsWith(redirect));
    return new URL(page.url()).searchParams;
  };
  const number = async (page) => (await page.locator('svg text.number').first().textContent()).trim();

  await t.test('in English, on a phone in the dark, and remembered', async (t) => {
    const browser = await openBrowser(t, { authority: house.authority, locale: 'en-GB', viewport: { width: 360, height: 760 }, colorScheme: 'dark' });
    const page = await browser.newPage();
    await page.goto(asks());
    await looked(page, 'who-dark');
    await page.getByLabel('Your name here').fill('m.curie');
    await page.getByLabel('Remember me in this browser').check();
    await button(page, 'Ask my terminal').click();
    await page.getByRole('heading', { name: 'Look at your terminal' }).waitFor();
    await looked(page, 'wait-dark');
    const shown = await number(page);
    const terminal = await house.saysYes();
    assert.ok(terminal.includes(shown) && terminal.includes('Bibliothèque de Lyon'), terminal);
    const told = await back(page);
    assert.deepEqual([told.get('state'), told.get('iss'), told.get('code').length], ['s1', house.issuer, 43]);

    await page.goto(asks());
    await looked(page, 'known-dark');
    await button(page, 'Go on as m.curie').click();
    await page.getByRole('heading', { name: 'Look at your terminal' }).waitFor();
    await house.saysNo();
    await page.getByRole('heading', { name: 'You said no' }).waitFor();
    await looked(page, 'refused-dark');
    await page.getByRole('link', { name: 'Back to Bibliothèque de Lyon' }).click();
    assert.equal((await back(page)).get('error'), 'access_denied');
    assert.deepEqual(browser.trouble, []);
  });

  await t.test('in French, without a script', async (t) => {
    const browser = await openBrowser(t, { authority: house.authority });
    const page = await browser.newPage();
    await page.route('**/assets/login.js', (route) => route.abort());
    await page.goto(asks());
    await page.getByLabel('Votre nom ici').fill('trop de mots');
    await button(page, 'Demander à mon terminal').click();
    await page.getByText('Un nom n’a que des lettres').waitFor();
    await looked(page, 'wrong');
    await page.getByLabel('Votre nom ici').fill('m.curie');
    await button(page, 'Demander à mon terminal').click();
    await page.getByRole('heading', { name: 'Regardez votre terminal' }).waitFor();
    await looked(page, 'wait');
    await button(page, 'Abandonner').click();
    assert.equal((await back(page)).get('error'), 'access_denied');
    await page.goto(asks({ redirect_uri: 'https://ailleurs.example/' }));
    await page.getByRole('heading', { name: 'Ce lien ne mène nulle part' }).waitFor();
    await looked(page, 'stop');
  });
});
