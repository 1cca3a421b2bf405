// The page of a gate in a real browser: what wants somebody, refusals as they come, in both languages, in the dark, on a small phone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import { request as inClear } from 'node:http';
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

/** An authority by our own commands, what it issued and takes back, a partner, and a gate that knows all of them. */
async function furnish(t) {
  const folder = scratch();
  const at = (name) => join(folder, name);
  const sceau = (...words) => run(ours('sceau'), ['cert', ...words], { cwd: folder });
  sceau('ca', 'root', '--folder', 'root', '--name', 'CN=Essai racine,O=ESSAI,C=FR');
  sceau('convert', 'root/authority.cer', '-o', 'root.pem');
  const issue = (name, ...words) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)];
    run('openssl', ['req', '-new', ...key, '-out', at(`${name}.csr`), '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']);
    run('chmod', ['600', at(`${name}.key`)]);
    sceau('ca', 'issue', '--issuer', 'root', '--request', `${name}.csr`, '-o', `${name}.crt`, '--days', '90', ...words);
    sceau('convert', `${name}.crt`, '-o', `${name}.pem`);
    return { cert: run('cat', [at(`${name}.pem`)]), key: run('cat', [at(`${name}.key`)]) };
  };
  const server = issue('server', '--server');
  const known = issue('known', '--name', 'CN=known.example,OU=1,C=FR');
  issue('gone', '--name', 'CN=gone.example,OU=1,C=FR');
  const list = () => sceau('ca', 'list', '--issuer', 'root', '-o', 'list.crl');
  list();
  const partner = createServer(server, (_, response) => response.end('well')).listen(0, '127.0.0.1');
  await once(partner, 'listening');
  t.after(() => partner.close());
  const to = `https://localhost:${partner.address().port}`;
  writeFileSync(at('gate.toml'), `
[[listener]]
address = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
[[listener.route]]
upstream = "${to}"
tls = { authority = "root.pem" }
clients = "callers"
[clients.callers]
anchors = ["root.pem"]
revocation_lists = ["list.crl"]
[[clients.callers.allow]]
common_name = "known.example"
organizational_units = ["1"]
[[outgoing]]
address = "127.0.0.1:0"
to = "${to}/there"
tls = { authority = "root.pem", certificate = "known.pem", key = "known.key" }
[observe]
address = "127.0.0.1:0"
`);
  const gate = await start(t, ours('sceau'), ['gate', 'run', '--config', at('gate.toml')]);
  const [host, port] = gate.ready.addresses[0].split(':');
  const [, out] = gate.ready.outgoing[0].split(':');
  const asked = (ask, words) =>
    new Promise((resolve, reject) => {
      ask({ agent: false, ...words }, (response) => response.resume().on('end', () => resolve(response.statusCode)))
        .on('error', reject)
        .end();
    });
  return {
    page: `http://${gate.ready.observed}/`,
    calls: () => asked(request, { host, port, path: '/', rejectUnauthorized: false, ...known }),
    callsOut: () => asked(inClear, { host: '127.0.0.1', port: out, path: '/a' }),
    takesBack: () => {
      sceau('ca', 'revoke', '--issuer', 'root', 'gone.crt');
      list();
    },
    to,
  };
}

test('its registers say whose lists, callers, certificates and partners there are, and follow them', async (t) => {
  const { page: address, calls, callsOut, takesBack, to } = await furnish(t);
  assert.deepEqual([await calls(), await callsOut()], [200, 200]);
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.goto(address);
  const row = (table, name) => page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: name });
  const cells = (one) => one.getByRole('cell').allTextContents();
  await page.getByRole('heading', { level: 1, name: 'Tout est en ordre.' }).waitFor();

  const list = await cells(row('Listes de révocation', 'Essai racine'));
  assert.match(list[0], /list\.crl$/);
  assert.match(list[1], /^finit le .*faite le /);
  assert.deepEqual(list.slice(2), ['0', '01'], 'nobody was taken back by the first list');
  const caller = await cells(row('callers', 'known.example'));
  assert.equal(caller[0], '1');
  assert.notEqual(caller[1], 'jamais');
  assert.match(await page.getByText('passées').textContent(), /^1 passées · 0 refusées$/);
  const certificates = page.getByRole('table', { name: 'Certificats' });
  for (const [name, use] of [['known.example', 'le sien'], ['localhost', 'le sien'], ['Essai racine', 'pour les services']]) {
    const [uses, left] = await cells(certificates.getByRole('row').filter({ hasText: name }));
    assert.ok(uses.includes(use), `${name}: ${uses}`);
    assert.match(left, /^[\d\s]+ jours$/);
  }
  const partners = page.getByRole('table', { name: 'Services' }).getByRole('row').filter({ hasText: to });
  const served = await partners.allTextContents();
  assert.ok(served.length > 0 && served.every((text) => text.includes('en service')), served.join('\n'));
  assert.deepEqual(await faults(page), []);

  // Another list, another call: the page follows, and is not loaded anew.
  await page.evaluate(() => (globalThis.stayed = true));
  takesBack();
  assert.equal(await calls(), 200);
  await page.getByRole('cell', { name: '02', exact: true }).waitFor();
  assert.deepEqual((await cells(row('Listes de révocation', 'Essai racine'))).slice(2), ['1', '02']);
  await page.getByText('2 passées').waitFor();
  assert.equal((await cells(row('callers', 'known.example')))[0], '2');
  assert.equal(await page.evaluate(() => globalThis.stayed), true);
  await picture(page, 'gate-registers');
});

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
