// Each action that the key manager records has words on its page, in both languages.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTIONS } from "../src/administration/actions";

const crates = new URL("../../../crates/", import.meta.url);
const registry = readFileSync(new URL("trace/src/record/words.rs", crates), "utf8");
const spelling = new Map([...registry.matchAll(/^ {4}([A-Z_]+) = "([a-z_.]+)";$/gm)].map(([, name, action]) => [name as string, action as string]));
const folder = new URL("keymanager/src/", crates);
const program = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".rs"))
  .map((file) => readFileSync(new URL(file, folder), "utf8"))
  .join("\n");
const recorded = [...new Set([...program.matchAll(/\bAction::([A-Z_]+)\b/g)].map(([, name]) => spelling.get(name as string) ?? `${name} of no registry`))];
const [fr, en]: Record<string, string>[] = [ACTIONS.fr, ACTIONS.en];

describe("each action that the key manager records has words", () => {
  it("the program is read", () => expect(recorded.length).toBeGreaterThan(10));

  it.each(recorded)("%s in French and English", (action) => {
    expect(fr?.[action]).toMatch(/^[A-ZÉ].{5}/);
    expect(en?.[action]).toMatch(/^[A-Z].{5}/);
  });

  it("and no other does", () => {
    expect(Object.keys(ACTIONS.fr).filter((action) => !recorded.includes(action))).toEqual([]);
    expect(Object.keys(ACTIONS.en).filter((action) => !recorded.includes(action))).toEqual([]);
  });
});
