import { defineConfig } from "vitest/config";

// Against a real element and a real host (built first: cargo build --workspace --bins).
export default defineConfig({ test: { include: ["test/**/*.system.ts"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } });
