/** Calls of applications over time: from the platform's hours to what is drawn. No I/O, and the time is given. Times are Unix milliseconds. */

export const PERIODS = ["day", "week", "month", "quarter"] as const;
export type Period = (typeof PERIODS)[number];

const DAYS: Record<Period, number> = { day: 1, week: 7, month: 30, quarter: 90 };
/** Hours of one column. */
const HOURS: Record<Period, number> = { day: 1, week: 6, month: 24, quarter: 24 };
const HOUR = 3_600_000;

export const periodOf = (said: string | null): Period => PERIODS.find((one) => one === said) ?? "week";

/** What stands in one column: calls from an instant to before another. */
export interface Column { readonly from: number; readonly until: number; readonly granted: number; readonly refused: number }

/** The columns' edges, the last one in the future: whole hours, parts of days, or days where the reader is, so that one may have 23 hours or 25. */
export function edgesOf(period: Period, now: number): number[] {
  const step = HOURS[period];
  const number = (DAYS[period] * 24) / step;
  const at = new Date(now);
  const first = (back: number) => new Date(at.getFullYear(), at.getMonth(), at.getDate(), step === 24 ? 0 : Math.floor(at.getHours() / step) * step).getTime() - back;
  if (step < 24) return Array.from({ length: number + 1 }, (_, i) => first(0) - (number - 1 - i) * step * HOUR);
  return Array.from({ length: number + 1 }, (_, i) => new Date(at.getFullYear(), at.getMonth(), at.getDate() - (number - 1 - i)).getTime());
}

/** From when to when the platform is asked: its hours are those of UTC, which begin with the reader's but in few places. */
export const spanOf = (edges: readonly number[]): [from: number, until: number] => [
  Math.floor((edges[0] ?? 0) / HOUR) * HOUR, Math.ceil((edges.at(-1) ?? 0) / HOUR) * HOUR,
];

export function columnsOf(edges: readonly number[], hours: readonly { hour: number; granted: number; refused: number }[]): Column[] {
  return edges.slice(0, -1).map((from, i) => {
    const until = edges[i + 1] ?? from;
    const within = hours.filter(({ hour }) => hour >= from && hour < until);
    const sum = (of: "granted" | "refused") => within.reduce((total, one) => total + one[of], 0);
    return { from, until, granted: sum("granted"), refused: sum("refused") };
  });
}

/** The end of a scale: the first of 1, 2, 5, 10, 20… that is no less. */
export function roundedUp(most: number): number {
  for (let power = 1; ; power *= 10) for (const one of [1, 2, 5]) if (one * power >= most) return one * power;
}

/** A column for each of the next days, those of UTC. */
export function endingOf(ending: readonly { day: number; data: number }[], now: number, days = 30): Column[] {
  const today = Math.floor(now / (24 * HOUR)) * 24 * HOUR;
  return Array.from({ length: days }, (_, i) => {
    const from = today + i * 24 * HOUR;
    return { from, until: from + 24 * HOUR, granted: ending.find(({ day }) => day === from)?.data ?? 0, refused: 0 };
  });
}
