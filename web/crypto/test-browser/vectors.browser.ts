import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, it } from "vitest";
import { file, launch, serve } from "../../chromium";

it("every vector holds in Chromium, and a worker seals and opens", async () => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  await build({ configFile: `${root}vite.config.ts`, root: `${root}test-browser`, logLevel: "error" });
  const { server, port } = await serve((request, response) => {
    const { body, type } = file(`${root}dist`, new URL(request.url ?? "/", "http://localhost").pathname);
    response.setHeader("content-type", type);
    response.end(body);
  });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://sceau.localhost:${port}/`);
    const result = page.locator('#result:not([data-state="running"])');
    await result.waitFor({ timeout: 100_000 });
    const said = JSON.parse((await result.textContent()) ?? "") as { passed: number; failed: unknown[]; openMs: { envelope: number; bare: number } };
    expect(said.failed).toEqual([]);
    expect(said.passed).toBeGreaterThan(100);
    console.log(`12 MB opened in ${said.openMs.envelope.toFixed(0)} ms; one bare decryption ${said.openMs.bare.toFixed(0)} ms`);
  } finally {
    await browser.close();
    server.close();
  }
});
