import { language } from "@sceau/shared";

/** A count as people of the page's language write it. */
export const counted = (n: number): string => new Intl.NumberFormat(language() === "fr" ? "fr-FR" : "en-GB").format(n);

/** The hour and minute of an instant, as people of the page's language write them. */
export const clock = (ms: number): string => new Intl.DateTimeFormat(language() === "fr" ? "fr-FR" : "en-GB", { timeStyle: "short" }).format(ms);
