import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, it } from "vitest";
import { file, launch, serve } from "../../chromium.js";
import { cases } from "./cases.js";

it("every case holds in Chromium", async () => {
  const root = fileURLToPath(new URL(".", import.meta.url));
  const outDir = fileURLToPath(new URL("../dist/browser", import.meta.url));
  await build({ configFile: false, root, base: "./", logLevel: "error", build: { outDir, emptyOutDir: true, target: "es2023", chunkSizeWarningLimit: 10_000 } });
  const { server, port } = await serve((request, response) => {
    const { body, type } = file(outDir, new URL(request.url ?? "/", "http://localhost").pathname);
    response.setHeader("content-type", type);
    response.end(body);
  });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://sceau.localhost:${port}/`);
    const result = page.locator('#result:not([data-state="running"])');
    await result.waitFor({ timeout: 60_000 });
    expect(JSON.parse((await result.textContent()) ?? "")).toEqual({ passed: cases.length, failed: [] });
  } finally {
    await browser.close();
    server.close();
  }
});
