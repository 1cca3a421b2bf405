import { defineConfig } from "vite";

// One module without dependencies, for Node and browsers, and the guide's example, which imports it as applications do.
export default defineConfig({
  build: {
    lib: { entry: { protect: "src/index.ts", example: "example/field.ts" }, formats: ["es"] },
    rolldownOptions: { external: ["@sceau/protect", /^node:/] },
    target: "es2023",
    minify: false,
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
