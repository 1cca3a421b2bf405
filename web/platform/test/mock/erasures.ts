/** Erased data with their certificates, one for each way that it can stand: the records are in a real log. */
import { base64url } from "@sceau/crypto";
import type { Log } from "./log";

const day = 24 * 3_600_000;
const KINDS = ["destroyed", "due", "overdue", "undated", "forged"] as const;
type Kind = (typeof KINDS)[number];
const idOf = (kind: Kind): string => base64url(new Uint8Array(32).fill(KINDS.indexOf(kind) + 1));

export class Erasures {
  #made: Record<Kind, { erased: number; destroyed: number | null; due: number | null }> | undefined;

  constructor(private readonly log: Log, private readonly organisation: string, private readonly application: string, private readonly now: number) {}

  found() {
    // The name of each went with it.
    const data = KINDS.map((kind) => ({
      id: idOf(kind), name: "", state: "erased", owner: "alice.martin@hopital.exemple.fr", application: this.application, tags: [],
      created: this.now - (150 + 20 * KINDS.indexOf(kind)) * day, expires: this.now + 215 * day, grants: 0, refusals: 0, altered: false,
    }));
    return { data, next: null, reached: null };
  }

  async answer(method: string, url: URL): Promise<{ json: unknown } | undefined> {
    const kind = KINDS.find((one) => url.pathname === `/v1/protect/data/${idOf(one)}/erasure`);
    return method === "GET" && kind ? { json: await this.#certificate(kind) } : undefined;
  }

  async #certificate(kind: Kind) {
    this.#made ??= this.#make();
    const { erased, destroyed, due } = this.#made[kind];
    const at = (index: number) => ({ time: this.#timeOf(index), index });
    return {
      // The forged one says of a key that it is gone; the log has the end of another.
      v: 1, format: "sceau-erasure", datum: idOf(kind), organisation: this.organisation, application: this.application, epoch: kind === "destroyed" ? 1 : 2,
      erased: at(erased), destroyed: destroyed === null ? null : at(destroyed), ...(due === null ? {} : { due }),
      not_covered: ["keys_handed_out", "keystore_copies", ...(kind === "undated" ? ["token_backups"] : [])],
      evidence: await Promise.all([erased, ...(destroyed === null ? [] : [destroyed])].map((index) => this.log.evidence(index))),
    };
  }

  #make() {
    const erase = (kind: Kind, ago: number, due: number | null) => this.log.append({
      action: "datum.erase", actor: { id: this.application, kind: "application" }, asserted: "application", organisation: this.organisation, time: this.now - ago * day,
      attested: { hash: "0".repeat(64), id: idOf(kind), kind: "datum", previous: "1".repeat(64), version: 2 }, subjects: [{ id: idOf(kind), kind: "datum" }],
      detail: { ...(due === null ? {} : { due: String(due) }), epoch: kind === "destroyed" ? "1" : "2", kept: kind === "undated" ? "either" : "files" },
    });
    const [late, soon] = [this.now - 12 * day, this.now + 21 * day];
    const gone = erase("destroyed", 40, this.now - 10 * day);
    const ended = this.log.append({
      action: "epoch.end", actor: { id: "element", kind: "element" }, asserted: "element", organisation: this.organisation, time: this.now - 33 * day, detail: { epoch: "1" },
    });
    return {
      destroyed: { erased: gone, destroyed: ended, due: this.now - 10 * day },
      overdue: { erased: erase("overdue", 42, late), destroyed: null, due: late },
      due: { erased: erase("due", 9, soon), destroyed: null, due: soon },
      undated: { erased: erase("undated", 5, null), destroyed: null, due: null },
      forged: { erased: erase("forged", 4, soon), destroyed: ended, due: soon },
    };
  }

  #timeOf(index: number): number {
    return (JSON.parse(new TextDecoder().decode(this.log.entries[index])) as { time: number }).time;
  }
}
