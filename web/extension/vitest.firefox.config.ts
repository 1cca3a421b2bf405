import { defineConfig } from "vitest/config";

// The package for Firefox (npm run build first), in a real Firefox (SCEAU_FIREFOX), against a real element.
export default defineConfig({ test: { include: ["test/*.firefox.ts"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } });
