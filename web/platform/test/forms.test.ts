// What people type, judged before it is sent.
import { describe, expect, it } from "vitest";
import { faultOf, newDocument, newDraft, newQuestion, schemeOf } from "../src/admin/draft";
import { fingerprintOf, isSiret } from "../src/admin/fingerprint";
import type { FormField } from "../src/api/types";
import { Altered, checkMeant } from "../src/approve";
import { faults, split } from "../src/deposit/form";
import { date } from "@sceau/shared";
import { imprint } from "../../shared/src/drawings/imprint";

const field = (name: string, kind: FormField["kind"], sensitive = false, required = true): FormField => ({ name, label: { fr: name, en: name }, kind, required, sensitive });

describe("answers", () => {
  const form = [field("a", "text"), field("n", "number", true), field("c", "checkbox", false, false), field("o", "text", false, false)];

  it("that are missing or are not numbers are named in order", () => {
    expect(faults(form, { n: "douze" }).map(({ field: { name }, why }) => [name, why])).toEqual([["a", "missing"], ["n", "number"]]);
    expect(faults(form, { a: " x ", n: "12 345,5" })).toEqual([]);
  });

  it("are parted into what is sealed and what is not, and what was left out stays out", () => {
    expect(split(form, { a: " x ", n: "12\u202f345,5", o: "  " })).toEqual({ open: { a: "x", c: false }, sealed: { n: 12345.5 } });
  });
});

describe("a fingerprint typed from another channel", () => {
  const good = "0123456789abcdef".repeat(4);
  it("is read with its spaces and capitals", () => expect(fingerprintOf(good.toUpperCase().replaceAll(/(.{4})/g, "$1 "))).toBe(good));
  it.each([good.slice(1), `${good}0`, good.replace("0", "o"), ""])("is refused when it is not one: %s", (typed) => expect(fingerprintOf(typed)).toBeUndefined());
  it("draws a seal of its own", () => {
    expect(imprint(good)).toEqual(imprint(good));
    expect(imprint(good).curves).not.toEqual(imprint(good.replace("01", "11")).curves);
  });
});

describe("a day", () => {
  it("is said as people say it", () => {
    expect(date(Date.parse("2026-09-01T12:00:00Z"))).toBe("1er septembre 2026");
    expect(date(Date.parse("2026-09-11T12:00:00Z"))).toBe("11 septembre 2026");
  });
});

describe("a SIRET", () => {
  it.each(["732 829 320 00074", "35600000000048"])("%s is valid", (siret) => expect(isSiret(siret)).toBe(true));
  it.each(["73282932000075", "7328293200007", "abcdefghijklmn"])("%s is not", (siret) => expect(isSiret(siret)).toBe(false));
});

describe("a scheme being written", () => {
  it("gives each question and choice a name of its own", () => {
    const draft = { ...newDraft(), fr: "Aide", en: "Aid", aboutFr: "a", aboutEn: "a" };
    draft.documents = [{ ...newDocument(), fr: "Pièce d’identité", en: "Identity" }, { ...newDocument(), fr: "Pièce d'identité", en: "Other" }];
    draft.questions = [{ ...newQuestion(), fr: "Œuvre ?", en: "Work?", kind: "choice", choicesFr: "Oui\nNon", choicesEn: "Yes\nNo" }];
    expect(faultOf(draft)).toBeUndefined();
    const scheme = schemeOf(draft);
    expect(scheme.documents.map(({ name }) => name)).toEqual(["piece-d-identite", "piece-d-identite-2"]);
    expect(scheme.form[0]?.choices).toEqual([{ value: "oui", label: { fr: "Oui", en: "Yes" } }, { value: "non", label: { fr: "Non", en: "No" } }]);
    expect(scheme.form[0]?.name).toMatch(/^[a-z0-9_-]{1,64}$/);
  });

  it("is not sent with a text missing or choices that do not match", () => {
    expect(faultOf(newDraft())).toBe("missing");
    const draft = { ...newDraft(), fr: "Aide", en: "Aid", aboutFr: "a", aboutEn: "a", documents: [] };
    draft.questions = [{ ...newQuestion(), fr: "Q", en: "Q", kind: "choice", choicesFr: "Oui\nNon", choicesEn: "Yes" }];
    expect(faultOf(draft)).toBe("choices-uneven");
  });
});

describe("what the platform prepared", () => {
  const meant = schemeOf({ ...newDraft(), fr: "Aide", en: "Grant", questions: [{ ...newQuestion(), fr: "Revenu", en: "Income", sensitive: true }] });
  const bytes = (document: object) => new TextEncoder().encode(JSON.stringify(document));
  const prepared = { v: 1, organisation: "o", ...structuredClone(meant) };

  it("is signed when it says what was meant, in whatever order", () => {
    expect(() => checkMeant(bytes(Object.fromEntries(Object.entries(prepared).reverse())), { ...meant })).not.toThrow();
  });

  it.each([
    ["a sensitive question in the open", { ...prepared, form: prepared.form.map((one) => ({ ...one, sensitive: false })) }],
    ["a question more", { ...prepared, form: [...prepared.form, ...prepared.form] }],
    ["a title in another place", { ...prepared, title: prepared.description, description: prepared.title }],
    ["no form", { ...prepared, form: undefined }],
  ])("is not signed with %s", (_, document) => {
    expect(() => checkMeant(bytes(document), { ...meant })).toThrow(Altered);
  });
});
