/** What is on record about protected data, in a real log: granted, refused, by an application, by a person, by the element; one of the lines is a lie. */
import { base64url, utf8 } from "@sceau/crypto";
import { ACCOUNT } from "./content";
import type { Log } from "./log";

const [hour, day] = [3_600_000, 24 * 3_600_000];
interface Line { index: number; time: number; action: string; outcome: string; code: string; application: string | null }
const token = (text: string) => base64url(utf8(text));

export class Accesses {
  #lines: Line[] | undefined;
  /** What was asked of the list, in order. */
  readonly asked: string[] = [];

  constructor(private readonly log: Log, private readonly organisation: string, private readonly application: string, private readonly datum: string, private readonly now: number) {}

  answer(method: string, url: URL): { json: unknown } | Promise<{ json: unknown }> | undefined {
    const [, , , what, index] = url.pathname.split("/");
    if (method !== "GET" || (what !== "records" && what !== "activity")) return undefined;
    if (what === "activity") return { json: this.#activity(Number(url.searchParams.get("from")), Number(url.searchParams.get("until"))) };
    if (index !== undefined) return this.log.whole(Number(index)).then((json) => ({ json }));
    this.asked.push(url.search);
    this.#lines ??= this.#make();
    const [outcome, datum] = [url.searchParams.get("outcome"), url.searchParams.get("datum")];
    const records = this.#lines.filter((line) => (outcome === null || line.outcome === outcome) && (datum === null || line.application !== null));
    return { json: { records, next: null, reached: null } };
  }

  /** Fewer at night and on Sundays, and one bad afternoon. */
  #activity(from: number, until: number) {
    const hours: { hour: number; granted: number; refused: number }[] = [];
    for (let at = from; at < until && at < this.now; at += hour) {
      const [when, nth] = [new Date(at), at / hour];
      const busy = when.getDay() === 0 ? 0.1 : when.getHours() > 7 && when.getHours() < 19 ? 1 : 0.15;
      const bad = Math.floor((this.now - at) / day) === 3 && when.getHours() > 13 && when.getHours() < 17;
      const granted = Math.round(busy * (900 + 250 * Math.sin(nth / 5) + 120 * Math.sin(nth * 7)));
      hours.push({ hour: at, granted, refused: bad ? 640 : Math.max(0, Math.round(busy * 14 * Math.sin(nth))) });
    }
    const sum = (of: "granted" | "refused") => hours.reduce((total, one) => total + one[of], 0);
    const [granted, refused] = [sum("granted"), sum("refused")];
    return {
      hours,
      data: {
        active: 41_870, inactive: 320, held: 12, expired: 2_904, erased: 57,
        ending: [3, 4, 8, 9, 10, 15, 22, 23, 29].map((ahead) => ({ day: (Math.floor(this.now / day) + ahead) * day, data: 20 + ((ahead * 37) % 90) })),
      },
      applications: [
        { application: this.application, granted: Math.round(granted * 0.8), refused },
        { application: "6b4e0d2f-3c5a-4d7e-9f8b-0c1d2e3f4a51", granted: granted - Math.round(granted * 0.8), refused: 0 },
      ],
      refusals: refused === 0 ? [] : [
        { code: "user_not_authorised", calls: Math.ceil(refused * 0.82) }, { code: "outside_hours", calls: Math.floor(refused * 0.13) }, { code: "datum_erased", calls: Math.floor(refused * 0.05) },
      ],
      counted: 41_250, size: 41_250,
    };
  }

  #make(): Line[] {
    const call = (ago: number, action: string, user: string, code = "", more: { id: string; kind: string }[] = []): Line => {
      const time = this.now - ago;
      const index = this.log.append({
        action, actor: { id: this.application, kind: "application" }, asserted: "application", organisation: this.organisation, time, detail: { signer: "2026-a" },
        ...(code === "" ? {} : { code, outcome: "refused" }),
        subjects: [{ id: this.datum, kind: "datum" }, { id: token(user), kind: "user" }, ...more, { id: token("192.0.2.7"), kind: "address" }],
      });
      return { index, time, action, outcome: code === "" ? "granted" : "refused", code, application: this.application };
    };
    const own = (ago: number, action: string, actor: { id: string; kind: string }, asserted: string): Line => {
      const time = this.now - ago;
      return { index: this.log.append({ action, actor, asserted, organisation: this.organisation, time }), time, action, outcome: "granted", code: "", application: null };
    };
    const lines = [
      call(9 * day, "datum.create", "alice.martin@hopital.exemple.fr"),
      call(8 * day, "datum.grant", "alice.martin@hopital.exemple.fr", "", [{ id: token("soignants"), kind: "granted_group" }]),
      own(5 * day, "application.enrol", { id: ACCOUNT, kind: "organisation_admin" }, "passkey"),
      call(3 * day, "datum.open", "denis.roux@hopital.exemple.fr", "user_not_authorised"),
      own(2 * day, "epoch.end", { id: "element", kind: "element" }, "element"),
      call(4 * hour, "datum.open", "bob.durand@hopital.exemple.fr"),
      call(2 * hour, "datum.open", "carol.petit@hopital.exemple.fr", "outside_hours"),
    ];
    // The list says that it was refused; the log has that it was granted.
    const lie = call(hour, "datum.open", "mallory@ailleurs.exemple");
    return [...lines, { ...lie, outcome: "refused", code: "user_not_authorised" }].reverse();
  }
}
