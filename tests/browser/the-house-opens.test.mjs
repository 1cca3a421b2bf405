// From one command to two open doors: the platform to anybody, the key manager to whoever holds a certificate.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './harness/chromium.mjs';
import { openHouse } from './harness/house.mjs';

test('a bare browser reaches the platform without a warning; the key manager knows the officer by certificate', async (t) => {
  const house = await openHouse(t);
  const bare = await openBrowser(t);
  const welcome = await bare.newPage();
  const answer = await welcome.goto(`${house.platform}/`);
  assert.equal(answer.status(), 200);
  await welcome.getByRole('heading', { level: 1 }).waitFor();
  assert.deepEqual(bare.trouble, []);

  const officer = await openBrowser(t, house);
  const status = await officer.newPage();
  await status.goto(`${house.keyManager}/`);
  const who = await status.evaluate(() => fetch('/v1/whoami').then((response) => response.json()));
  assert.equal(who.certificate.role, 'case-officer');
  assert.notEqual(who.account, null, 'the certificate is bound to the invited account');

  const stranger = await openBrowser(t, { authority: house.authority });
  const page = await stranger.newPage();
  await page.goto(`${house.keyManager}/`);
  assert.equal((await page.evaluate(() => fetch('/v1/whoami').then((response) => response.json()))).certificate, null);
});

test('a second start keeps data and ports', async (t) => {
  const first = await openHouse(t);
  await first.stop();
  const second = await openHouse(t, { data: first.data });
  assert.deepEqual(
    [second.platform, second.keyManager, second.logKey, second.invitation],
    [first.platform, first.keyManager, first.logKey, first.invitation],
  );
});
