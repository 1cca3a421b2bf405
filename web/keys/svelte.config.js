import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

// The page's policy allows no inline style, so component styles always go to the built style sheet.
export default { preprocess: vitePreprocess(), compilerOptions: { css: "external", runes: true } };
