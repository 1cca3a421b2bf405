// What people read, in both languages: French as it is set and said in France, English as in England, and no text of the one in the other.
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { setLanguage } from "@sceau/shared";

const modules = import.meta.glob<Record<string, unknown>>("../src/words/*.ts", { eager: true });

/** Each text of a dictionary with its place; a function is asked with plausible values. */
function texts(value: unknown, place: string): [string, string][] {
  if (typeof value === "string") return [[place, value]];
  if (typeof value === "function") return texts((value as (...args: unknown[]) => unknown)(2, 3, "X"), place);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => texts(each, `${place}.${key}`));
}

/** Dictionaries are functions without parameters whose value is an object. */
function all(): [string, string][] {
  return Object.entries(modules).flatMap(([path, module]) =>
    Object.entries(module).flatMap(([name, value]) => {
      if (typeof value !== "function" || value.length > 0) return [];
      const dictionary: unknown = (value as () => unknown)();
      return typeof dictionary === "object" ? texts(dictionary, `${path.split("/").at(-1) ?? ""} ${name}`) : [];
    }),
  );
}

function inLanguage(language: "fr" | "en"): [string, string][] {
  Object.assign(globalThis, { localStorage: { setItem: () => undefined }, document: { documentElement: {} } });
  setLanguage(language);
  return all();
}
const found = (language: "fr" | "en", fault: RegExp) => inLanguage(language).filter(([, text]) => fault.test(text));

describe("French", () => {
  it("is read, all of it", () => expect(inLanguage("fr").length).toBeGreaterThan(400));
  it("has its own apostrophe and quotation marks", () => expect(found("fr", /['"“”]/)).toEqual([]));
  it("has no breakable space before its punctuation", () => expect(found("fr", / [:;?!»%]|« |[^\s\u00a0\u202f][;?!»]/)).toEqual([]));
  it("keeps accents on capitals", () => expect(found("fr", /(?:^|[.:] )(?:A (?=[a-zé])|E(?:tat|tes|tre|crire|crivez|lément|chec|quipe)|Ca )/)).toEqual([]));
  it("says vous", () => expect(found("fr", /(?<!\p{L})(?:tu|toi|ton|ta|tes|te)(?!\p{L})/iu)).toEqual([]));
  it("has three dots in one sign", () => expect(found("fr", /\.\.\./)).toEqual([]));
});

describe("English", () => {
  it("has its own apostrophe and quotation marks", () => expect(found("en", /['"«»]/)).toEqual([]));
  it("has no space before its punctuation", () => expect(found("en", /[\s\u00a0\u202f][:;?!%]/)).toEqual([]));
  it("is no French", () => expect(found("en", /[éèêàçœ]/i).filter(([place]) => !/label|nav/.test(place))).toEqual([]));
});

describe("pages", () => {
  const sources = (folder: URL): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".svelte")).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const markup = (source: string) => source.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "");

  it("have no words of their own: they would be in one language", () => {
    const own = sources(new URL("../src/", import.meta.url)).flatMap((source) => markup(source).match(/(?<=[^=]>)[^<>{}]*[a-zà-ÿ]{3,}[^<>{}]*(?=<)/gi) ?? []);
    expect(own.filter((text) => text !== "sceau deposit")).toEqual([]);
  });

  it("have no French punctuation between two texts", () => {
    expect(sources(new URL("../src/", import.meta.url)).flatMap((source) => markup(source).match(/\} : (?:\{[a-z]|")/g) ?? [])).toEqual([]);
  });
});
