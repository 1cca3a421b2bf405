// Builds benches/browser, opens it in Chromium and prints what each size takes.
// Usage: node opening.mjs OUT ROUNDS SIZE… Prints one line {"size", "ours", "bare"} (milliseconds) per size.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { openBrowser } from '../../tests/browser/harness/chromium.mjs';
import { root } from '../../tests/browser/harness/processes.mjs';

const [out, rounds, ...sizes] = process.argv.slice(2);
const { build } = await import(pathToFileURL(createRequire(join(root, 'web/package.json')).resolve('vite')).href);
await build({
  root: fileURLToPath(new URL('../browser', import.meta.url)),
  base: './',
  logLevel: 'error',
  worker: { format: 'es' },
  build: { outDir: out, emptyOutDir: true, target: 'es2023', reportCompressedSize: false },
});

const types = { '.html': 'text/html', '.js': 'text/javascript' };
const server = createServer((request, response) => {
  // An isolated page has a clock of 5 µs instead of 100.
  response.setHeader('cross-origin-opener-policy', 'same-origin').setHeader('cross-origin-embedder-policy', 'require-corp');
  const path = request.url === '/' ? '/index.html' : new URL(request.url, 'http://x').pathname;
  response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream').end(readFileSync(join(out, path)));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const last = [];
try {
  const page = await (await openBrowser({ after: (f) => last.unshift(f) })).newPage();
  await page.goto(`http://sceau.localhost:${server.address().port}/`);
  for (const size of sizes.map(Number)) {
    const { ours, bare } = await page.evaluate(([s, r]) => window.measure(s, r), [size, Number(rounds)]);
    console.log(JSON.stringify({ size, ours, bare }));
  }
} finally {
  for (const f of last) await f();
  server.close();
  server.closeAllConnections();
}
