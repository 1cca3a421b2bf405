// A person with a browser: one real Chromium each, with a fresh profile, a certificate or none, and a passkey device.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

import { here, root, scratch } from './processes.mjs';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Opens a Chromium that belongs to one person, closed when the test `t` ends.
 *
 * The certificate is real: it lies in the browser's own NSS database and is shown by Chromium's own TLS, without a
 * prompt, to the host named in `certificate.host`.
 *
 * @param {import('node:test').TestContext | {after: (f: () => unknown) => void}} t
 * @param {object} wishes
 * @param {string} [wishes.authority] PEM file of an authority to trust
 * @param {{p12: string, password: string, host: string}} [wishes.certificate] PKCS#12 file, its password, who gets it
 * @param {string} [wishes.locale] `fr-FR` unless told
 * @param {{width: number, height: number}} [wishes.viewport] 1280 × 800 unless told
 * @param {'light' | 'dark'} [wishes.colorScheme]
 * @returns {Promise<import('playwright-core').BrowserContext>} also carries `trouble`: what its pages complained about
 */
export async function openBrowser(t, wishes = {}) {
  const { authority, certificate, locale = 'fr-FR', viewport = { width: 1280, height: 800 }, colorScheme = 'light' } = wishes;
  const home = scratch();
  const env = { ...process.env, SCEAU_HOME: home, LANG: 'C.UTF-8' };
  if (authority) env.SCEAU_AUTHORITY = authority;
  if (certificate) {
    env.SCEAU_P12 = certificate.p12;
    env.SCEAU_P12_PASSWORD = certificate.password;
    env.SCEAU_CERT_HOST = certificate.host;
  }
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: join(here, 'chromium.sh'),
    headless: true,
    chromiumSandbox: false,
    args: FLAGS,
    env,
    locale,
    viewport,
    colorScheme,
    reducedMotion: 'reduce',
  });
  t.after(() => context.close());
  context.trouble = [];
  context.on('weberror', (error) => context.trouble.push(String(error.error())));
  context.on('console', (message) => {
    // Asking who is signed in is answered 401 where nobody is: an answer, no trouble.
    if (message.type() === 'error' && !/status of 401/.test(message.text())) context.trouble.push(message.text());
  });
  return context;
}

/**
 * Gives a page a passkey device: resident keys, user verification, presence without a hand.
 * Credentials live in the device: keep the page, or carry them over with `export` and `import`.
 *
 * @param {import('playwright-core').Page} page
 */
export async function passkeyDevice(page) {
  await page.bringToFront();
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    /** The credentials it holds. */
    export: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    /** Puts credentials of another device into it. */
    import: async (credentials) => {
      for (const credential of credentials) await session.send('WebAuthn.addCredential', { authenticatorId, credential });
    },
    /** Whether its holder proves who they are (PIN, finger) from now on. */
    verifies: (isUserVerified) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    /** Takes it away. */
    remove: () => session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
  };
}

/**
 * Takes a picture of the whole page. Pictures go to target/pictures; with SCEAU_PICTURES=keep, to docs/pictures.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} name for instance `deposit.fr`
 */
export async function picture(page, name) {
  const folder = join(root, process.env.SCEAU_PICTURES === 'keep' ? 'docs/pictures' : 'target/pictures');
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: 'disabled' });
}
