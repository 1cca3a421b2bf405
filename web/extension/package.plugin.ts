// Writes the manifest beside what was built, and all of it as one archive: what a store or an administrator is given.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Plugin } from "vite";
import { zip } from "./archive";
import { type Browser, distributor, manifest } from "./manifest";

const ENDINGS = { chromium: "zip", firefox: "xpi" } as const;

/** Every file of a folder, by its path in it. */
export function files(folder: string): Map<string, Uint8Array> {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(found.map((entry) => join(entry.parentPath, entry.name)).map((path) => [relative(folder, path), new Uint8Array(readFileSync(path))]));
}

export function packaged(browser: Browser, version: string, folder: string): Plugin {
  return {
    name: "sceau-extension",
    apply: "build",
    closeBundle() {
      writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest(browser, version, distributor(process.env)), null, 2)}\n`);
      writeFileSync(`${folder}.${ENDINGS[browser]}`, zip(files(folder)));
    },
  };
}
