// Two languages, one dictionary shape. `words({ fr, en })` returns a function that gives the texts in the language of the page; the
// type checker refuses an English dictionary that lacks a French entry.

export type Language = "fr" | "en";
const remembered = "sceau-language";

function initial(): Language {
  if (typeof localStorage !== "undefined") {
    const kept = localStorage.getItem(remembered);
    if (kept === "fr" || kept === "en") return kept;
  }
  // French unless the reader asks for English and not for French.
  const wanted = typeof navigator === "undefined" ? "fr" : navigator.language.toLowerCase();
  return wanted.startsWith("en") ? "en" : "fr";
}

const state = $state<{ language: Language }>({ language: initial() });

export function language(): Language {
  return state.language;
}

export function setLanguage(next: Language): void {
  state.language = next;
  localStorage.setItem(remembered, next);
  document.documentElement.lang = next;
}

type Widen<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Widen<T[K]> };

export function words<const T extends object>(texts: { fr: T; en: Widen<T> }): () => Widen<T> {
  // A literal is one of its widened kind; the checker cannot see that through a generic.
  const french = typeset(texts.fr) as unknown as Widen<T>;
  return () => (state.language === "fr" ? french : texts.en);
}

/**
 * French typography, applied once: the apostrophe; a space that does not break before : » % and after « n°, a narrow one before ; ? ! and between
 * thousands, as `Intl` writes them; and a number keeps its unit.
 */
export function typographic(text: string): string {
  return text
    .replaceAll("'", "\u2019")
    .replace(/ ([;?!])/g, "\u202f$1")
    .replace(/(\d) (?=\d{3}(?!\d))/g, "$1\u202f")
    .replace(/ ([:»%])/g, "\u00a0$1")
    .replace(/(«|[nN]°|\d(?= (?:[KMG]i?o|octets?)\b)) /g, "$1\u00a0");
}

function typeset(value: unknown): unknown {
  if (typeof value === "string") return typographic(value);
  if (typeof value === "function") return (...args: unknown[]) => typeset((value as (...args: unknown[]) => unknown)(...args));
  if (Array.isArray(value)) return value.map(typeset);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, typeset(each)]));
  }
  return value;
}

/** Text given by a server in both languages. */
export function local(text: { fr: string; en: string }): string {
  return text[state.language] || text.fr || text.en;
}

const locale = (): string => (state.language === "fr" ? "fr-FR" : "en-GB");

export function dateTime(ms: number): string {
  return ordinal(new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "short" }).format(ms));
}

/** To the second, with its zone: of what somebody else's clock says. */
export function exactTime(ms: number): string {
  return ordinal(new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "long" }).format(ms));
}

export function date(ms: number): string {
  return ordinal(new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(ms));
}

/** French counts the first day of a month, and no other: 1er septembre. */
function ordinal(day: string): string {
  return state.language === "fr" ? day.replace(/^1 /, "1er ") : day;
}

export function bytes(count: number): string {
  const french = state.language === "fr";
  const units = french ? ["octet", "Ko", "Mo", "Go"] : ["byte", "KB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const plural = unit === 0 && (french ? value >= 2 : value !== 1) ? "s" : "";
  const number = new Intl.NumberFormat(locale(), { maximumFractionDigits: unit === 0 ? 0 : 1 }).format(value);
  return `${number}\u00a0${units[unit] ?? ""}${plural}`;
}
