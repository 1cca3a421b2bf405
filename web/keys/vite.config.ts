import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { viewer } from "./viewer.plugin.ts";

export default defineConfig({
  plugins: [svelte(), viewer()],
  worker: { format: "es" },
  build: {
    target: "es2023",
    // The policy of the pages allows neither data: scripts nor inline code: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
