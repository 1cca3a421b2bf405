import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/*.browser.ts"], globalSetup: "test/build.ts", testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false },
});
