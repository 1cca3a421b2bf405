import { defineConfig } from "vitest/config";

// The extension as it is built (npm run build first), in a real Chromium, against a real element.
export default defineConfig({ test: { include: ["test/*.browser.ts"], testTimeout: 240_000, hookTimeout: 120_000, fileParallelism: false } });
