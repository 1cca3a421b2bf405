/** Answers to a form, from what was typed to what is sent. */
import type { FormField } from "../api/types";

export type Answer = string | number | boolean;
export type Typed = Record<string, string | boolean>;
export type Fault = { field: FormField; why: "missing" | "number" };

/** What is wrong with what was typed, in the form's order. */
export function faults(form: readonly FormField[], typed: Typed): Fault[] {
  const found: Fault[] = [];
  for (const field of form) {
    const value = typed[field.name];
    const empty = value === undefined || value === false || (typeof value === "string" && value.trim() === "");
    if (empty && field.required) found.push({ field, why: "missing" });
    else if (!empty && field.kind === "number" && !Number.isFinite(number(String(value)))) found.push({ field, why: "number" });
  }
  return found;
}

/** The answers apart: those sealed with the documents, and those that the platform may read. Unanswered ones are left out. */
export function split(form: readonly FormField[], typed: Typed): { open: Record<string, Answer>; sealed: Record<string, Answer> } {
  const open: Record<string, Answer> = {};
  const sealed: Record<string, Answer> = {};
  for (const field of form) {
    const value = answer(field, typed[field.name]);
    if (value !== undefined) (field.sensitive ? sealed : open)[field.name] = value;
  }
  return { open, sealed };
}

function answer(field: FormField, value: string | boolean | undefined): Answer | undefined {
  if (field.kind === "checkbox") return value === true;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  return field.kind === "number" ? number(value) : value.trim();
}

/** Numbers as people write them in either language. */
const number = (text: string): number => Number(text.replaceAll(/[\s\u00a0\u202f]/g, "").replace(",", "."));
