// Every code that the platform may answer with has words here, in both languages, and no word is for a code that it does not know.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { byCode, REFUSALS } from "../src/words/refusals";

const document = readFileSync(new URL("../../../docs/problem-codes.md", import.meta.url), "utf8");
const codes = [...document.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code as string);
/** Said by the pages, not by the platform. */
const own = ["network", "unreadable_answer"];

describe("refusals", () => {
  it("the document has its tables", () => expect(codes.length).toBeGreaterThan(60));

  it.each(codes)("%s has words in French and English", (code) => {
    expect(byCode("fr")[code]).toMatch(/.{20}[.!]$/);
    expect(byCode("en")[code]).toMatch(/.{20}[.!]$/);
    expect(byCode("fr")[code]).not.toBe(byCode("en")[code]);
  });

  it("no code has two texts, and none is unknown to the document", () => {
    const all = REFUSALS.flatMap((one) => one.codes);
    expect(all.filter((code, i) => all.indexOf(code) !== i)).toEqual([]);
    expect(all.filter((code) => !codes.includes(code) && !own.includes(code))).toEqual([]);
  });
});
