// Each action that a program of Sceau may record has words here, in both languages, and no word is for an action that is not registered.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTIONS } from "../src/words/actions";

const registry = readFileSync(new URL("../../../crates/trace/src/record/words.rs", import.meta.url), "utf8");
const registered = [...registry.matchAll(/^ {4}[A-Z_]+ = "([a-z_.]+)";$/gm)].map(([, action]) => action as string);
const [fr, en]: Record<string, string>[] = [ACTIONS.fr, ACTIONS.en];

describe("each registered action has words", () => {
  it("the registry is read", () => expect(registered.length).toBeGreaterThan(25));

  it.each(registered)("%s in French and English", (action) => {
    expect(fr?.[action]).toMatch(/^(a|s'est) .{4}/);
    expect(en?.[action]).toMatch(/^[a-z].{4}/);
  });

  it("and no other does", () => {
    expect(Object.keys(ACTIONS.fr).filter((action) => !registered.includes(action))).toEqual([]);
    expect(Object.keys(ACTIONS.en).filter((action) => !registered.includes(action))).toEqual([]);
  });
});
