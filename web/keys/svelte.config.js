import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

// The page's policy allows no inline style, so component styles always go to the built style sheet. Classes are named by the styles, not by where a component lies: the
// pages are the same wherever they are built.
export default { preprocess: vitePreprocess(), compilerOptions: { css: "external", runes: true, cssHash: ({ hash, css }) => `svelte-${hash(css)}` } };
