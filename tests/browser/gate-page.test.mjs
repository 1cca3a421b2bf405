// The page of a gate in a real browser: what wants somebody, refusals as they come, in both languages, in the dark, on a small phone.

import assert from 'node:assert/strict';
import { request } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { openBrowser, picture } from './harness/chromium.mjs';
import { ours, run, scratch, start } from './harness/processes.mjs';

/** A gate that guards a path, before a service that is away. Its client's name hides letters and holds markup. */
async function raise(t) {
  const folder = scratch();
  const at = (name) => join(folder, name);
  const made = (name, words) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)];
    run('openssl', ['req', '-x509', '-utf8', ...key, '-out', at(`${name}.pem`), ...words]);
    run('chmod', ['600', at(`${name}.key`)]);
  };
  made('server', ['-days', '12', '-subj', '/CN=api.editeur.example']);
  const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth'];
  made('stranger', [...leaf, '-days', '12', '-subj', '/OU=1/CN=<b>s\u0430s\u202e']);
  writeFileSync(at('gate.toml'), `
[[listener]]
address = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
[[listener.route]]
path = "/fhir"
upstream = "http://127.0.0.1:9"
clients = "sas"
[[listener.route]]
path = "/open"
upstream = "http://127.0.0.1:9"
[clients.sas]
anchors = ["server.pem"]
[[clients.sas.allow]]
common_name = "sas-aggregator-production"
organizational_units = ["318751275100020"]
[observe]
address = "127.0.0.1:0"
`);
  const gate = await start(t, ours('sceau'), ['gate', 'run', '--config', at('gate.toml')]);
  const [host, port] = gate.ready.addresses[0].split(':');
  const call = (path, who = {}) =>
    new Promise((resolve, reject) => {
      const asked = request({ host, port, path, rejectUnauthorized: false, ...who }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      asked.on('error', reject).end();
    });
  const stranger = { cert: run('cat', [at('stranger.pem')]), key: run('cat', [at('stranger.key')]) };
  return { page: `http://${gate.ready.observed}/`, call, stranger };
}

test('a gate says on its page what wants somebody', async (t) => {
  const { page: address, call, stranger } = await raise(t);
  assert.equal(await call('/open'), 502, 'the service is away');

  await t.test('in French and in English, with what was refused as it comes', async (t) => {
    const browser = await openBrowser(t);
    const page = await browser.newPage();
    const complaints = [];
    page.on('console', (said) => complaints.push(said.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const asked = [];
    page.on('request', (one) => asked.push(new URL(one.url()).origin));
    await page.goto(address);
    await page.getByRole('heading', { level: 1, name: '2 choses demandent quelqu’un.' }).waitFor();
    const wants = await page.locator('#attention li').allTextContents();
    assert.equal(wants.length, 2);
    assert.equal(wants[0], 'http://127.0.0.1:9 est hors service : pas de connexion, ou vérification en échec.', 'the most pressing first');
    assert.match(wants[1], /^api\.editeur\.example : 1[12] jours\.$/);
    await page.getByText('Aucun refus depuis le démarrage.').waitFor();

    assert.equal(await call('/fhir/x', stranger), 401);
    await page.getByText('autorité inconnue').waitFor();
    const refused = page.getByRole('table', { name: 'Derniers refus' });
    assert.match(await refused.textContent(), /<b>s\\u\{430\}s\\u\{202e\}/, 'as text, and nothing of it hides');
    assert.equal(await refused.locator('b').count(), 0);
    await picture(page, 'gate-fr');

    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { level: 1, name: '2 things want somebody.' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    await page.reload();
    await page.getByRole('table', { name: 'Recent refusals' }).waitFor();
    assert.deepEqual(complaints, []);
    assert.deepEqual([...new Set(asked)], [new URL(address).origin], 'nothing of elsewhere is asked for');
  });

  for (const colorScheme of ['light', 'dark']) {
    await t.test(`for everyone, ${colorScheme}`, async (t) => {
      const browser = await openBrowser(t, { colorScheme });
      const page = await browser.newPage();
      await page.goto(address);
      await page.getByRole('table', { name: 'Derniers refus' }).waitFor();
      assert.deepEqual(await faults(page), []);
      assert.ok((await overflowAt320(page)) <= 0);
      await page.setViewportSize({ width: 320, height: 640 });
      await picture(page, `gate-320-${colorScheme}`);
    });
  }
});
