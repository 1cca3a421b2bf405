import { defineConfig } from "vitest/config";

// The pages as they are built (npm run build first), in a real browser. One file at a time: they share the machine.
export default defineConfig({
  test: { include: ["test/*.browser.ts"], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false },
});
