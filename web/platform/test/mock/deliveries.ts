/** What was not delivered, connectors and the webhook of an organisation: kept in memory, acted on as the platform does. */
export interface Answer { status?: number; json?: unknown; text?: string }

const HOUR = 3_600_000;

function letter(id: string, topic: string, cause: string, reason: string | null, more: Record<string, unknown> = {}) {
  return { id, topic, cause, reason, company: null, organisation: null, created: Date.parse("2026-11-20T09:12:00Z"), attempts: 20, ...more };
}

export class Post {
  dead = [
    letter("d1", "mob_bus", "refused", "no queue takes subscriptions.put.simulation-sirh: provision the bus", { company: "simulation-sirh", attempts: 1 }),
    letter("d2", "letter", "refused", "the mail server takes it never (550)", { attempts: 1 }),
    letter("d3", "mob_reply", "unsettled", "this reply could not be settled", { company: "simulation-sirh", attempts: 1 }),
  ];
  webhooks = [letter("w1", "webhook", "unwanted", "the receiver answered 404 Not Found")];
  late = true;
  url: string | null = "https://rh.saint-aubin.example/sceau?canal=dossiers-recus-et-decides";
  connectors = [
    { client_id: "3b9f2c1e-7a6d-4e5f-8c0b-1d2e3f4a5b6c", name: "Paie", created: Date.parse("2026-09-01T08:00:00Z"), revoked: null as number | null, acknowledged: 1204 },
    { client_id: "0c7e6d5f-1b2a-4c3d-9e8f-a0b1c2d3e4f5", name: "Ancien logiciel des aides", created: Date.parse("2026-01-07T08:00:00Z"), revoked: Date.parse("2026-08-30T08:00:00Z") as number | null, acknowledged: 311 },
  ];
  /** Acts in their order, as the trace would have them. */
  readonly acts: string[] = [];

  answer(method: string, path: string, body: Record<string, unknown>): Answer | undefined {
    const [, , place = "", kind = "", id = "", act = "", more = ""] = path.split("/");
    if (place === "administration" && kind === "deliveries") return method === "GET" ? this.#seen() : this.#act(this.dead, id, act, body, () => this.#seen());
    if (place !== "organisation") return undefined;
    if (kind === "connectors") return this.#connectors(method, id, act, body);
    if (kind === "webhook" && id === "dead-letters") return this.#act(this.webhooks, act, more, body, () => this.#webhook());
    if (kind !== "webhook") return undefined;
    if (method === "PUT") this.url = String(body["url"]);
    if (id === "end") this.url = null;
    return this.#webhook();
  }

  #seen(): Answer {
    const oldest = Date.parse("2026-11-21T06:00:00Z");
    const late = { topic: "letter", waiting: 14, late: 12, oldest, cause: "away", reason: "the mail server cannot be spoken to: Connection refused (os error 111)", dead: 1 };
    const quiet = { topic: "webhook", waiting: 3, late: 0, oldest: null, cause: null, reason: null, dead: 0 };
    return { json: { topics: this.late ? [late, quiet] : [quiet], dead: this.dead.length, dead_letters: this.dead } };
  }

  #webhook(): Answer {
    const waiting = this.late ? { count: 2, oldest: Date.now() - 3 * HOUR, reason: "the receiver is silent" } : null;
    return { json: { url: this.url, waiting, dead_letters: this.webhooks } };
  }

  #act(letters: { id: string }[], id: string, act: string, body: Record<string, unknown>, seen: () => Answer): Answer {
    const at = letters.findIndex((one) => one.id === id);
    if (at < 0) return { status: 404, text: "not_found" };
    if (act === "discard" && typeof body["reason"] !== "string") return { status: 400, text: "malformed" };
    letters.splice(at, 1);
    this.acts.push([act, id, body["reason"]].filter(Boolean).join(" "));
    return seen();
  }

  #connectors(method: string, id: string, act: string, body: Record<string, unknown>): Answer {
    if (method === "GET") return { json: this.connectors };
    const found = this.connectors.find((one) => one.client_id === id);
    if (act === "end" && found) {
      found.revoked = Date.now();
      return { json: this.connectors };
    }
    const client_id = "9d8c7b6a-5f4e-4d3c-8b2a-1f0e9d8c7b6a";
    this.connectors = [...this.connectors, { client_id, name: String(body["name"]), created: Date.now(), revoked: null, acknowledged: 0 }];
    return { status: 201, json: { client_id, client_secret: "q7YV0n4kX2bWc9sT1uLmR8eZ5aHdJ6fP3gKoNvBiCyE" } };
  }
}
