/** What is typed into the search, as the platform takes it and as the address bar keeps it. No I/O. */

/** The fields, each a text; dates as `YYYY-MM-DD`, both days included. */
export interface Wanted { name: string; person: string; tag: string; application: string; state: string; created_from: string; created_until: string; expires_from: string; expires_until: string; refusals: string; refused_from: string }

const FIELDS = ["name", "person", "tag", "application", "state", "created_from", "created_until", "expires_from", "expires_until", "refusals", "refused_from"] as const;
const DATES: readonly string[] = ["created_from", "created_until", "expires_from", "expires_until", "refused_from"];

export const wantedOf = (query: URLSearchParams): Wanted => Object.fromEntries(FIELDS.map((field) => [field, query.get(field) ?? ""])) as unknown as Wanted;

/** For the address bar: what is asked for and no more. */
export const addressOf = (wanted: Wanted): string =>
  new URLSearchParams(FIELDS.filter((field) => wanted[field].trim() !== "").map((field) => [field, wanted[field].trim()])).toString();

/** For the platform: days become the instants at which they begin, or end, where the reader is. */
export function searchOf(wanted: Wanted, after: string | null): URLSearchParams {
  const search = new URLSearchParams();
  for (const field of FIELDS) {
    const text = wanted[field].trim();
    if (text === "") continue;
    if (!DATES.includes(field)) search.set(field, text);
    else {
      const at = dayOf(text, field.endsWith("_until") ? 1 : 0);
      if (at !== undefined) search.set(field, String(at));
    }
  }
  if (after !== null) search.set("after", after);
  return search;
}

/** How many of the less usual fields are used: they are folded away otherwise. */
export const rare = (wanted: Wanted): number => ["application", "tag", "refusals", ...DATES].filter((field) => wanted[field as keyof Wanted].trim() !== "").length;

/** The beginning of a day, or of one some days after; nothing of what is no day. */
export function dayOf(text: string, later: number): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const at = new Date(Number(year), Number(month) - 1, Number(day) + later).getTime();
  return Number.isFinite(at) ? Math.max(0, at) : undefined;
}
