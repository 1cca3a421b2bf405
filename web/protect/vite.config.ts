import { defineConfig } from "vite";

// One module without dependencies, for Node and browsers.
export default defineConfig({
  build: {
    lib: { entry: { protect: "src/index.ts" }, formats: ["es"] },
    target: "es2023",
    minify: false,
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
