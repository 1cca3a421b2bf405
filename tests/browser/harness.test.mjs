// The ground that the other browser tests stand on: real client certificates, passkeys, accessibility rules.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';

import { faults, overflowAt320 } from './harness/accessible.mjs';
import { openBrowser, passkeyDevice } from './harness/chromium.mjs';
import { run, scratch, start } from './harness/processes.mjs';

const PAGE = `<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Essai</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main><h1>Essai</h1></main></body></html>`;

async function listen(t, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return server.address().port;
}

/** An authority, a server certificate for cles.localhost and a case officer's PKCS#12, by OpenSSL. */
function certificates() {
  const folder = scratch();
  const openssl = (...words) => run('openssl', words, { cwd: folder });
  const leaf = (name, subject, extensions) => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl('req', '-utf8', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
  };
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Essai AC', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  leaf('server', '/CN=cles.localhost', 'subjectAltName=DNS:cles.localhost\nextendedKeyUsage=serverAuth\n');
  leaf('officer', '/CN=Agnès/OU=case-officer', 'extendedKeyUsage=clientAuth\n');
  openssl('pkcs12', '-export', '-in', 'officer.pem', '-inkey', 'officer.key', '-out', 'officer.p12', '-passout', 'pass:un deux');
  return { read: (name) => readFileSync(join(folder, name)), path: (name) => join(folder, name) };
}

function keyManager(files) {
  const options = { key: files.read('server.key'), cert: files.read('server.pem'), ca: files.read('ca.pem'), requestCert: true, rejectUnauthorized: false };
  return createSecure(options, (request, response) => {
    const { subject } = request.socket.getPeerCertificate();
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(request.socket.authorized ? `${subject.CN}, ${subject.OU}` : 'no certificate');
  });
}

test('Chromium trusts the authority and shows the client certificate by itself', async (t) => {
  const files = certificates();
  const port = await listen(t, keyManager(files));
  const certificate = { p12: files.path('officer.p12'), password: 'un deux', host: 'cles.localhost' };
  const browser = await openBrowser(t, { authority: files.path('ca.pem'), certificate });
  const page = await browser.newPage();
  await page.goto(`https://cles.localhost:${port}/`);
  assert.equal(await page.evaluate(() => document.body.innerText), 'Agnès, case-officer');
});

test('without a certificate the page is reached and says so; without the authority it is not reached', async (t) => {
  const files = certificates();
  const port = await listen(t, keyManager(files));
  const plain = await (await openBrowser(t, { authority: files.path('ca.pem') })).newPage();
  await plain.goto(`https://cles.localhost:${port}/`);
  assert.equal(await plain.evaluate(() => document.body.innerText), 'no certificate');
  const stranger = await (await openBrowser(t)).newPage();
  await assert.rejects(stranger.goto(`https://cles.localhost:${port}/`), /ERR_CERT_AUTHORITY_INVALID/);
});

test('a passkey made on sceau.localhost over plain HTTP signs there, and its device can be carried over', async (t) => {
  const port = await listen(t, createPlain((_, response) => response.setHeader('content-type', 'text/html').end(PAGE)));
  const page = await (await openBrowser(t)).newPage();
  await page.goto(`http://sceau.localhost:${port}/`);
  const device = await passkeyDevice(page);
  const make = () =>
    page.evaluate(async () => {
      const publicKey = {
        challenge: new Uint8Array(32),
        rp: { id: 'sceau.localhost', name: 'Sceau' },
        user: { id: new Uint8Array(16), name: 'a@b.fr', displayName: 'A' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      };
      return (await navigator.credentials.create({ publicKey })).id;
    });
  const sign = (on) =>
    on.evaluate(async () => {
      const publicKey = { challenge: new Uint8Array(32), rpId: 'sceau.localhost', userVerification: 'required' };
      return (await navigator.credentials.get({ publicKey })).id;
    });
  const id = await make();
  assert.equal(await sign(page), id);
  const elsewhere = await (await openBrowser(t)).newPage();
  await elsewhere.goto(`http://sceau.localhost:${port}/`);
  await (await passkeyDevice(elsewhere)).import(await device.export());
  assert.equal(await sign(elsewhere), id);
});

test('accessibility faults and sideways scrolling are seen, and a sound page has none', async (t) => {
  const bad = PAGE.replace('<main>', '<main><img src="data:,x"><div style="width:500px">large</div>');
  const server = createPlain((request, response) => {
    response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    response.setHeader('content-type', 'text/html').end(request.url === '/bad' ? bad : PAGE);
  });
  const port = await listen(t, server);
  const page = await (await openBrowser(t)).newPage();
  await page.goto(`http://sceau.localhost:${port}/`);
  assert.deepEqual([await faults(page), await overflowAt320(page)], [[], 0]);
  await page.goto(`http://sceau.localhost:${port}/bad`);
  assert.match((await faults(page)).join('\n'), /image-alt/);
  assert.ok((await overflowAt320(page)) > 0);
});

test('a program that never gets ready is told apart', async (t) => {
  await assert.rejects(start(t, 'sh', ['-c', 'echo why >&2; exit 3']), /ended before it was ready \(3\)/);
  const { ready } = await start(t, 'sh', ['-c', 'echo \'{"ready":true}\'; exec sleep 600']);
  assert.equal(ready.ready, true);
});
