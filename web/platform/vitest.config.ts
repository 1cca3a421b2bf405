import { defineConfig } from "vitest/config";

// The pages are tested as they are built, in a real browser, so nothing is compiled here. One file at a time: they share two cores.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], fileParallelism: false, testTimeout: 60_000 } });
