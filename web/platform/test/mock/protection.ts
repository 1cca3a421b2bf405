/** Applications and protected data, as the platform's console answers them: real documents in a real log. */
import { base64url, fromBase64url, hex, sha256, utf8 } from "@sceau/crypto";
import { Accesses } from "./accesses";
import { Acts } from "./acts";
import { ACCOUNT, NOW } from "./content";
import { Erasures } from "./erasures";
import type { Log } from "./log";

type Answer = { status?: number; json?: unknown; text?: string };
interface Kept { payload: string; version: { version: number; hash: string }; index: number }

const day = 24 * 3_600_000;
const JWK = { crv: "Ed25519", kty: "OKP", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
export const CARE = "5a3d9c1e-2b4f-4c6d-8e7a-9b0c1d2e3f40";
/** Said by the platform alone: the log has another document of it. */
export const FORGED = "6b4e0d2f-3c5a-4d7e-9f8b-0c1d2e3f4a51";

/** A datum with authorisations of every standing, and rules. */
export const LEAF = "Zzwt9emhc5sS454ZDEz2pE5gZLmDaIlWlzX_GpsvR9I";

const leaf = (organisation: string, now: number, status: string) => ({
  v: 1, id: LEAF, organisation, application: CARE, owner: "alice.martin@hopital.exemple.fr", name: status === "erased" ? "" : "Ordonnance de mars", tags: ["cardiologie", "2026"],
  created: now - 150 * day, expires: now + 215 * day, valid_from: null, valid_until: null, status,
  grants: [
    { to: { user: "bob.durand@hopital.exemple.fr" }, from: null, until: null, status: "active" },
    { to: { user: "carol.petit@hopital.exemple.fr" }, from: now + 20 * day, until: now + 90 * day, status: "active" },
    { to: { user: "denis.roux@hopital.exemple.fr" }, from: now - 120 * day, until: now - 60 * day, status: "active" },
    { to: { group: "soignants" }, from: now - 90 * day, until: now + 150 * day, status: "active" },
    { to: { group: "stagiaires" }, from: null, until: null, status: "inactive" },
  ],
  rules: { networks: ["10.1.0.0/16", "2001:db8::/32"], hours: { days: ["monday", "tuesday", "friday"], from: "08:00", until: "18:30", offset: "+01:00" }, reads: 50 },
});

export class Protection {
  readonly #applications = new Map<string, Kept>();
  #datum: Kept | undefined;
  /** What was asked of the search, in order. */
  readonly searches: string[] = [];
  /** Documents that were signed, as they came, and what each replaces. */
  readonly signed: { document: { name: string; keys: { kid: string; status: string }[]; status: string; provider?: unknown }; previous: unknown }[] = [];
  /** Pages of the search that find nothing, and go on. */
  inVain = 0;

  readonly erasures: Erasures;
  readonly accesses: Accesses;
  readonly acts: Acts;

  constructor(private readonly log: Log, private readonly organisation: string, private readonly now = Date.now()) {
    this.erasures = new Erasures(log, organisation, CARE, now);
    this.accesses = new Accesses(log, organisation, CARE, LEAF, now);
    this.acts = new Acts(log, organisation, LEAF, now);
  }

  async begin(): Promise<void> {
    const keys = [{ kid: "2026-a", alg: "EdDSA", jwk: JWK, status: "active" }, { kid: "2025-z", alg: "EdDSA", jwk: { ...JWK, x: "A".repeat(43) }, status: "ended" }];
    await this.#keep({ v: 1, application: CARE, organisation: this.organisation, name: "Dossiers de soins", keys, status: "active" }, null);
    const forged = { v: 1, application: FORGED, organisation: this.organisation, name: "Paie", keys: keys.slice(0, 1), status: "active" };
    await this.#keep(forged, null);
    const kept = this.#applications.get(FORGED);
    if (kept) this.#applications.set(FORGED, { ...kept, payload: base64url(utf8(JSON.stringify({ ...forged, name: "Paie, et la clé de quelqu’un d’autre" }))) });
    await this.attestDatum("active");
  }

  /** The datum's present version, with another status. */
  async attestDatum(status: "active" | "inactive" | "erased"): Promise<void> {
    const payload = utf8(JSON.stringify(leaf(this.organisation, this.now, status)));
    const hash = hex(await sha256(payload));
    const index = this.log.append({
      action: "datum.grant", actor: { id: CARE, kind: "application" }, asserted: "application", organisation: this.organisation, time: NOW,
      attested: { hash, id: LEAF, kind: "datum", previous: "0".repeat(64), version: 4 },
    });
    this.#datum = { payload: base64url(payload), version: { version: 4, hash }, index };
  }

  /** Has somebody name a provider of identities for the application. */
  async name(provider: unknown): Promise<void> {
    const before = this.#applications.get(CARE);
    if (before) await this.#keep({ ...JSON.parse(new TextDecoder().decode(fromBase64url(before.payload))) as { application: string }, provider }, before);
  }

  /** Name the entry before as the one that attests the datum. */
  swapEvidence(): void {
    if (this.#datum) this.#datum = { ...this.#datum, index: this.#datum.index - 1 };
  }

  /** List an application as another version than the log has it. */
  renumber(): void {
    const kept = this.#applications.get(CARE);
    if (kept) this.#applications.set(CARE, { ...kept, version: { ...kept.version, version: kept.version.version + 1 } });
  }

  async answer(method: string, url: URL, body: () => Record<string, unknown>): Promise<Answer | undefined> {
    switch (`${method} ${url.pathname}`) {
      case "POST /v1/element/nonce": return { json: { nonce: base64url(new Uint8Array(32).fill(5)) } };
      case "GET /v1/protect/applications": return { json: [...this.#applications].map(([application, kept]) => ({ application, ...kept, altered: false })) };
      case "POST /v1/protect/applications": return this.#register(body() as { payload: string; previous: unknown });
      case "GET /v1/protect/data": return { json: url.search === "?state=erased" ? this.erasures.found() : this.#found(url) };
      case `GET /v1/protect/data/${LEAF}`: return this.#datum && { json: { payload: this.#datum.payload, version: 4, index: this.#datum.index, altered: true } };
      default: return (await this.acts.answer(method, url, body)) ?? this.accesses.answer(method, url) ?? this.erasures.answer(method, url);
    }
  }

  async #register({ payload, previous }: { payload: string; previous: unknown }): Promise<Answer> {
    const document = JSON.parse(new TextDecoder().decode(fromBase64url(payload))) as (typeof this.signed)[number]["document"] & { application: string };
    this.signed.push({ document, previous });
    await this.#keep(document, this.#applications.get(document.application) ?? null);
    return { json: {} };
  }

  async #keep(document: { application: string; [member: string]: unknown }, before: Kept | null): Promise<void> {
    const payload = utf8(JSON.stringify(document));
    const version = { version: (before?.version.version ?? 0) + 1, hash: hex(await sha256(payload)) };
    const index = this.log.append({
      action: "application.enrol", actor: { id: ACCOUNT, kind: "organisation_admin" }, asserted: "passkey", organisation: this.organisation, time: NOW,
      attested: { hash: version.hash, id: document.application, kind: "application", previous: before?.version.hash ?? null, version: version.version },
    });
    this.#applications.set(document.application, { payload: base64url(payload), version, index });
  }

  #found(url: URL) {
    this.searches.push(url.search);
    if (this.inVain > 0) {
      this.inVain -= 1;
      return { data: [], next: `${this.now - 30 * day}.x`, reached: this.now - 30 * day };
    }
    const line = (id: string, name: string, state: string, more: object = {}) => ({
      id, name, state, owner: "alice.martin@hopital.exemple.fr", application: CARE, tags: [], created: this.now - 150 * day, expires: this.now + 215 * day, grants: 0, refusals: 0, altered: false, ...more,
    });
    return {
      data: [
        line(LEAF, "Ordonnance de mars", "active", { tags: ["cardiologie", "2026"], grants: 5 }),
        line("b", "Radiographie du poignet gauche", "inactive", { grants: 1, refusals: 1_204, tags: ["imagerie"] }),
        line("c", "", "active", { altered: true }),
        line("d", "Compte rendu de 2024", "expired", { expires: this.now - 20 * day }),
        line("e", "Courrier au médecin traitant", "erased"),
      ],
      next: null, reached: null,
    };
  }
}
