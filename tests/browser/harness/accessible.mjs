// What a page owes to everyone: axe-core's rules, and no sideways scrolling on a small phone.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** One session a page, never ended: its end would take the page's passkey device away. */
const sessions = new WeakMap();
const sessionOf = async (page) => {
  if (!sessions.has(page)) sessions.set(page, await page.context().newCDPSession(page));
  return sessions.get(page);
};

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/**
 * The accessibility faults of a page under WCAG 2.2 AA, each as one line; empty when there are none.
 * It runs in a world of its own, so a strict Content-Security-Policy does not stop it.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string[]>}
 */
export async function faults(page) {
  const session = await sessionOf(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  const evaluate = async (expression) => {
    const answer = await session.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    return answer.result.value;
  };
  await evaluate(`${axe};0`);
  const found = await evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(TAGS)} }).then((r) => r.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html) })))`,
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.slice(0, 5).join('\n  ')}`);
}

/**
 * By how many pixels a page is wider than its window, at a width of 320 px.
 *
 * @param {import('playwright-core').Page} page
 */
export async function overflowAt320(page) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  // Two frames: the page has laid itself out for its new width.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (before) await page.setViewportSize(before);
  return overflow;
}
