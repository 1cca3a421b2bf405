// Every code that the key manager may answer with has words on its page. That each kind has both languages, the type checker says.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kindOf } from "../src/kinds";

const document = readFileSync(new URL("../../../docs/problem-codes-key-manager.md", import.meta.url), "utf8");
const codes = [...document.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code as string);

describe("the key manager's refusals", () => {
  it("the document has its table", () => expect(codes.length).toBeGreaterThan(45));

  it.each(codes)("%s has words", (code) => expect(kindOf(code)).toBeDefined());

  it("what nobody knows has none", () => expect(kindOf("dossier_merged")).toBeUndefined());

  it.each([
    ["platform_log_inconsistent", "unproven"],
    ["certificate_not_bound", "binding"],
    ["certificate_malformed", "certificate"],
    ["manifest_malformed", "manifest"],
    ["key_not_kept", "key"],
  ])("%s is said as %s", (code, kind) => expect(kindOf(code)).toBe(kind));
});
