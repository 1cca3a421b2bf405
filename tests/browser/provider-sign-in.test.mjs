// A person signs in by a provider of identities, in a real browser: a new account; then, with a passkey and another account, the link between
// the two. The address bar keeps nothing of what the provider gave.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { openBrowser, passkeyDevice } from './harness/chromium.mjs';
import { freePorts, ours, root, scratch, start } from './harness/processes.mjs';

/** Element and platform, and the provider that the platform's settings name. */
async function raise(t) {
  const folder = scratch();
  const [port] = await freePorts(1);
  const origin = `http://sceau.localhost:${port}`;
  const provider = await start(t, 'node', [join(root, 'tests/provider/provider.mjs'), origin]);
  const secret = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const passphrase = secret('passphrase', 'one passphrase for this test');
  const client = secret('provider.secret', 'a secret with + and : in it, of many characters');
  const config = secret('platform.toml', `[[identity.providers]]
name = "id"
label = "Identité d’essai"
issuer = "${provider.ready.issuer}"
client_id = "sceau"
client_secret_file = "${client}"
`);
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  const socket = join(folder, 'run', 'element.sock');
  const element = ['--state', join(folder, 'element'), '--socket', socket, '--origin', 'test.sceau.localhost/log'];
  await start(t, ours('sceau-element'), [...element, '--keystore-passphrase-file', passphrase]);
  const platform = ['serve', 'platform', '--data', join(folder, 'platform'), '--element', socket, '--listen', `127.0.0.1:${port}`];
  await start(t, ours('sceau'), [...platform, '--origin', origin, '--config', config]);
  const person = (name) => fetch(`${provider.ready.issuer}/test/person?accountId=${name}`, { method: 'POST' });
  return { origin, person };
}

const button = (page, name) => page.getByRole('button', { name, exact: true });
const byProvider = (page) => button(page, 'S’identifier avec Identité d’essai');

async function account(page) {
  return (await page.evaluate(async () => (await fetch('/v1/me')).json())).account;
}

test('a provider signs a person in, and a passkey links it with an account', async (t) => {
  const { origin, person } = await raise(t);

  await t.test('the first time makes an account', async (t) => {
    const browser = await openBrowser(t);
    const page = await browser.newPage();
    await page.goto(`${origin}/entrer`);
    await byProvider(page).click();
    await page.getByRole('heading', { name: 'Votre compte est créé' }).waitFor();
    assert.equal(page.url(), `${origin}/retour/id`, 'neither code nor state stays in the address');
    assert.equal((await account(page)).email, 'lea@example.org');
    await button(page, 'Continuer').click();
    await page.waitForURL(`${origin}/deposer`);
    assert.deepEqual(browser.trouble, []);
  });

  await t.test('an account with a passkey is linked, and opened', async (t) => {
    await person('noe');
    const browser = await openBrowser(t);
    const page = await browser.newPage();
    await passkeyDevice(page);
    await page.goto(`${origin}/entrer?creer`);
    await page.getByLabel('Nom et prénom').fill('Noé Petit');
    await page.getByLabel('Adresse électronique').fill('noe@exemple.fr');
    await button(page, 'Créer ma clé d’accès').or(button(page, "Créer ma clé d'accès")).click();
    await page.getByRole('link', { name: 'Mon compte' }).click();
    const { id } = await account(page);
    await button(page, 'Relier Identité d’essai').click();
    await page.getByRole('heading', { name: 'Relier Identité d’essai à ce compte' }).waitFor();
    await button(page, 'Confirmer avec ma clé d’accès').or(button(page, "Confirmer avec ma clé d'accès")).click();
    await page.waitForURL(`${origin}/compte`);
    assert.deepEqual((await account(page)).providers, ['id']);
    await button(page, 'Ne plus relier Identité d’essai').click();
    await button(page, 'Relier Identité d’essai').waitFor();
    assert.deepEqual((await account(page)).providers, []);
    await button(page, 'Relier Identité d’essai').click();
    await button(page, 'Confirmer avec ma clé d’accès').or(button(page, "Confirmer avec ma clé d'accès")).click();
    await page.waitForURL(`${origin}/compte`);

    await page.evaluate(() => fetch('/v1/logout', { method: 'POST' }));
    await page.goto(`${origin}/entrer`);
    await byProvider(page).click();
    await page.waitForURL(`${origin}/deposer`);
    assert.equal((await account(page)).id, id, 'the same account');

    // Signing out goes on at the provider, which asks, and sends the browser back.
    await button(page, 'Se déconnecter').click();
    await page.locator('button[name=logout][value=yes]').click();
    await page.getByTestId('signed-out').waitFor();
    assert.equal(page.url(), `${origin}/`, 'the state does not stay in the address');
    await page.goto(`${origin}/?state=of-nobody`);
    await page.getByRole('link', { name: 'Entrer' }).waitFor();
    assert.equal(await page.getByTestId('signed-out').count(), 0, 'a state of nobody’s asking says nothing');
    assert.deepEqual(browser.trouble, []);
  });
});
