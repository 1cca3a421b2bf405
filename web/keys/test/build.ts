/** Builds the pages once, before any file of tests looks at them. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

export default async function setup(): Promise<void> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  await build({ root, configFile: `${root}vite.config.ts`, logLevel: "error" });
}
