import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { packaged } from "./package.plugin.ts";

const here = import.meta.dirname;
const { version } = JSON.parse(readFileSync(`${here}/package.json`, "utf8")) as { version: string };

// `--mode chromium` or `--mode firefox`: one source, a manifest for each.
export default defineConfig(({ mode }) => {
  const browser = mode === "firefox" ? "firefox" : "chromium";
  const folder = process.env["SCEAU_EXTENSION_OUT"] ?? `${here}/dist/${browser}`;
  return {
    base: "./",
    plugins: [svelte(), packaged(browser, version, folder)],
    worker: { format: "es", rolldownOptions: { output: { entryFileNames: "[name].js" } } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2023",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2000,
      rolldownOptions: {
        input: { terminal: `${here}/terminal.html`, background: `${here}/src/background.ts` },
        // Names that do not change with the content: what is packaged is compared file by file. A browser takes none that begins with "_".
        output: { entryFileNames: "[name].js", chunkFileNames: ({ name }) => `chunks/${name.replace(/^_+/, "")}.js`, assetFileNames: "assets/[name][extname]" },
      },
    },
  };
});
