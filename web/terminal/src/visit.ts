// What a terminal does at the host of its keyring: it learns which requests wait, fetches each, and says what its holder answered. Rules of crates/client/src/terminal/visit.rs.
import { Fields } from "@sceau/crypto";
import { base64url, now, utf8 } from "./bytes";
import { TerminalError } from "./errors";
import { type Carrier, HostError } from "./host";
import { signJws } from "./jws";
import type { Loaded, Outcome, Storage } from "./storage";

export const REPORT_REASONS = ["stranger", "misleading", "insistent"] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

/** What the host says of an outcome that it will never take from this terminal. */
const FINAL = ["request_unknown", "request_settled", "proof_invalid"];

/** What a host may say of itself and of requests. Whatever else it says would be the element's to say, or is nothing that this terminal knows: it is not believed. */
const HOSTS = [
  "request_unknown", "request_settled", "request_invalid", "proof_invalid", "nonce_invalid", "call_elsewhere", "actor_unknown", "keyring_phase", "keyring_unknown", "malformed", "busy", "unavailable", "unreachable",
  "not_a_sceau_server", "not_found", "too_large", "internal",
];
/** The most requests that wait for one keyring: an honest host keeps no more. */
const MOST_WAITING = 16;
const REQUEST = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How long a nonce is kept that came with an answer, in milliseconds: less than it is good for, by no clock that is set. */
const KEPT = 90_000;
/** The latest time that a date can be made of, with room. */
const LATEST = Date.UTC(9999, 0);

/** A request that waits: an id alone. */
export interface Waiting {
  readonly request: string;
  readonly ends: number;
}

/** A terminal at its host. */
export class Visitor {
  /** For the next visit, and since when it is here. */
  #next: { readonly nonce: string; readonly since: number } | null = null;

  private constructor(
    private readonly storage: Storage,
    private readonly carrier: Carrier,
    private readonly loaded: Loaded,
  ) {}

  /** The terminal of this storage, at this host. What a visit before could not hand over is handed over first. */
  static async at(storage: Storage, carrier: Carrier): Promise<Visitor> {
    const visitor = await Visitor.to(storage, carrier);
    await visitor.handOver();
    return visitor;
  }

  /** The same, with empty hands. */
  static async to(storage: Storage, carrier: Carrier): Promise<Visitor> {
    return new Visitor(storage, carrier, await storage.load());
  }

  /** Hands over what visits before could not. */
  async handOver(): Promise<void> {
    for (const [request, outcome] of await this.storage.undelivered()) {
      // What is asked next fails too where the host is away.
      await this.#handOver(request, outcome).catch(() => undefined);
    }
  }

  /** What waits for the holder. */
  waiting(): Promise<Waiting[]> {
    return this.#listed({ do: "list" });
  }

  /** The same, once something waits that is none of these; after some seconds as it is. */
  news(known: readonly string[]): Promise<Waiting[]> {
    return this.#listed({ do: "wait", known });
  }

  /** A request, as its provider signed it. */
  async fetch(request: string): Promise<string> {
    return (await this.#visit({ do: "fetch", request })).text("jws");
  }

  /** Hands over what the holder agreed to, for the provider: `use` kept it. Where it does not arrive it stays kept, and the next visit brings it. */
  async deposit(request: string): Promise<void> {
    const found = (await this.storage.undelivered()).find(([id]) => id === request);
    if (found) await this.#handOver(...found);
  }

  async reject(request: string): Promise<void> {
    await this.#visit({ do: "reject", request });
  }

  async report(request: string, why: ReportReason): Promise<void> {
    await this.#visit({ do: "report", request, why });
  }

  async #handOver(request: string, outcome: Outcome): Promise<void> {
    try {
      await this.#visit({ do: "deposit", request, outcome });
    } catch (error) {
      // The host has it from another try, or never will. Whatever else is said on the way, it is kept for the next visit.
      if (error instanceof HostError && FINAL.includes(error.code)) await this.storage.forgetUndelivered(request);
      throw error;
    }
    await this.storage.forgetUndelivered(request);
  }

  async #listed(ask: object): Promise<Waiting[]> {
    const listed = (await this.#visit(ask)).objects("requests").map((one) => ({ request: one.text("request"), ends: one.integer("ends") }));
    if (!listed.every(({ request, ends }) => REQUEST.test(request) && ends < LATEST)) throw new TerminalError("unproven", "the host lists what is no request", "host");
    return listed.slice(0, MOST_WAITING);
  }

  async #visit(ask: object): Promise<Fields> {
    const next = this.#next;
    this.#next = null;
    if (next === null || performance.now() - next.since >= KEPT) return this.#visited(ask, await this.#nonce());
    try {
      return await this.#visited(ask, next.nonce);
    } catch (error) {
      // The host began anew, or another one answers: it did nothing yet, and knows the ones that it gives now.
      if (!(error instanceof HostError) || error.code !== "nonce_invalid") throw error;
      return this.#visited(ask, await this.#nonce());
    }
  }

  async #visited(ask: object, nonce: string): Promise<Fields> {
    const { kept, device } = this.loaded;
    const visit = { v: 1, aud: kept.origin, host: this.carrier.host, keyring: kept.keyring, terminal: kept.terminal, nonce, time: now(), ask };
    const jws = await signJws("sceau-kr-visit", device, utf8(JSON.stringify(visit)));
    const told = Fields.of(await this.carrier.post("/v1/keyrings/visits", { visit: jws, device: base64url(device.spki) }).catch(hosts), "keyring_malformed");
    if (told.has("next")) this.#next = { nonce: told.object("next").text("nonce"), since: performance.now() };
    return told;
  }

  async #nonce(): Promise<string> {
    return Fields.of(await this.carrier.post("/v1/keyrings/nonces", {}).catch(hosts), "keyring_malformed").text("nonce");
  }
}

/** A host says what is a host's to say. */
function hosts(error: unknown): never {
  if (!(error instanceof HostError) || HOSTS.includes(error.code)) throw error;
  throw new TerminalError("unproven", `the host says: ${error.detail} (${error.code})`, "host");
}
