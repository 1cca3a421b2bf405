import tseslint from "typescript-eslint";

// Typed rules for the code that decides: cryptography, and the key manager's logic. Components are svelte-check's.
export default tseslint.config(
  { ignores: ["**/dist/**", "platform/**", "**/*.svelte", "**/*.svelte.ts"] },
  {
    files: ["crypto/**/*.ts", "keys/**/*.ts", "shared/**/*.ts", "chromium.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["crypto/tsconfig.json", "keys/tsconfig.json", "shared/tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
    },
  },
);
