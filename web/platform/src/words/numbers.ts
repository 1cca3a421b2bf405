import { language } from "@sceau/shared";

/** A count as people of the page's language write it. */
export const counted = (n: number): string => new Intl.NumberFormat(language() === "fr" ? "fr-FR" : "en-GB").format(n);
