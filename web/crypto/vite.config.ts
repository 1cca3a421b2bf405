import { defineConfig } from "vite";

// Builds the page that runs the vectors in a browser; the package itself is used from source.
export default defineConfig({
  root: "test-browser",
  base: "./",
  worker: { format: "es" },
  build: { outDir: "../dist", emptyOutDir: true, target: "es2023", reportCompressedSize: false, chunkSizeWarningLimit: 10_000 },
});
