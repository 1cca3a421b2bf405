/** Acts of administrators and data officers on data: a request of a colleague's, one's own, one that is done, and one that the log has otherwise. */
import { base64url, fromBase64url, hex, sha256, utf8 } from "@sceau/crypto";
import { ACCOUNT } from "./content";
import type { Log } from "./log";

const [hour, day] = [3_600_000, 24 * 3_600_000];
const COLLEAGUE = ACCOUNT.replaceAll("8", "9");
interface Kept { act: string; payload: string; version: { version: number; hash: string }; index: number; state: string; ends: number | null; people: Record<string, string>; altered: boolean }
interface Signed { does: string; data: string[]; reason: string; by: string; act: string; decision?: { is: string; by: string; request: string } }

export class Acts {
  readonly #kept = new Map<string, Kept>();
  /** Documents that were signed, as they came, and what each replaces. */
  readonly signed: { document: Signed; previous: { version: number; hash: string } | null }[] = [];
  #begun = false;

  constructor(private readonly log: Log, private readonly organisation: string, private readonly datum: string, private readonly now: number) {}

  async answer(method: string, url: URL, body: () => Record<string, unknown>): Promise<{ json: unknown } | undefined> {
    if (url.pathname !== "/v1/protect/acts") return undefined;
    if (!this.#begun) await this.#begin();
    if (method === "GET") {
      const all = [...this.#kept.values()].reverse();
      if (url.searchParams.has("after")) return { json: { waiting: [], past: all.filter((one) => one.state !== "requested").slice(1), next: null } };
      return { json: { waiting: all.filter((one) => one.state === "requested"), past: all.filter((one) => one.state !== "requested").slice(0, 1), next: "1.1" } };
    }
    const { payload, previous } = body() as { payload: string; previous: { version: number; hash: string } | null };
    const document = JSON.parse(new TextDecoder().decode(fromBase64url(payload))) as Signed;
    this.signed.push({ document, previous });
    const state = document.decision ? document.decision.is : document.does === "erase" ? "requested" : "done";
    await this.#keep(document, state, (previous?.version ?? 0) + 1);
    return { json: {} };
  }

  async #begin(): Promise<void> {
    this.#begun = true;
    const other = base64url(new Uint8Array(32).fill(9));
    const act = (n: number, does: string, by: string, ago: number, reason: string, data: string[]) => ({
      v: 1, act: `${String(n).repeat(8)}-0000-4000-8000-00000000000${n}`, organisation: this.organisation, does, data, reason, time: this.now - ago, by,
    });
    await this.#keep(act(1, "hold", COLLEAGUE, 20 * day, "Poste volé le 2 mars : rien ne sort tant que l’enquête dure", [this.datum, other]), "done", 1);
    await this.#keep(act(2, "erase", COLLEAGUE, 5 * hour, "Demande d’effacement de la patiente, dossier 2026-118", [this.datum, other]), "requested", 1);
    await this.#keep(act(3, "erase", ACCOUNT, 2 * hour, "Doublons du 14 mars", [other]), "requested", 1);
    const forged = act(4, "erase", COLLEAGUE, hour, "Motif", [other]);
    await this.#keep(forged, "requested", 1);
    const kept = this.#kept.get(forged.act);
    if (kept) this.#kept.set(forged.act, { ...kept, payload: base64url(utf8(JSON.stringify({ ...forged, data: [this.datum] }))) });
  }

  async #keep(document: { act: string }, state: string, version: number): Promise<void> {
    const payload = utf8(JSON.stringify(document));
    const hash = hex(await sha256(payload));
    const index = this.log.append({
      action: "datum.act", actor: { id: ACCOUNT, kind: "organisation_admin" }, asserted: "passkey", organisation: this.organisation, time: this.now,
      attested: { hash, id: document.act, kind: "protect-act", previous: version === 1 ? null : (this.#kept.get(document.act)?.version.hash ?? null), version },
    });
    this.#kept.set(document.act, { act: document.act, payload: base64url(payload), version: { version, hash }, index, state, ends: state === "requested" ? this.now + 6 * day : null, people: { [COLLEAGUE]: "Claire Bonnet" }, altered: false });
  }
}
