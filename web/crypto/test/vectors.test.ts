// The vectors that the Rust rooms pass too. The same runner is the page of test-browser/.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cases, ELSEWHERE } from "../test-browser/cases";

const crates = new URL("../../../crates/", import.meta.url);

for (const room of ["trace", "crypto", "pki"]) {
  const folder = new URL(`${room}/vectors/`, crates);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json") && !ELSEWHERE.includes(file))) {
    const found = cases(name, JSON.parse(readFileSync(new URL(name, folder), "utf8")));
    describe(`${room}/vectors/${name}`, () => {
      it("has cases", () => expect(found.length).toBeGreaterThan(0));
      it.each(found)("$name", async ({ run }) => run());
    });
  }
}
