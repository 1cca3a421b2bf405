import tseslint from "typescript-eslint";

// Typed rules for the code that decides: cryptography, and the logic of the pages. Components are svelte-check's.
export default tseslint.config(
  { ignores: ["**/dist/**", "**/*.svelte", "**/*.svelte.ts"] },
  {
    files: ["crypto/**/*.ts", "protect/**/*.ts", "keys/**/*.ts", "platform/**/*.ts", "shared/**/*.ts", "terminal/**/*.ts", "extension/**/*.ts", "chromium.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["crypto/tsconfig.json", "protect/tsconfig.json", "keys/tsconfig.json", "platform/tsconfig.json", "shared/tsconfig.json", "terminal/tsconfig.json", "extension/tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
    },
  },
);
