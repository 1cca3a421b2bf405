/** A small transparency log with real signatures, so that the pages' checks have something true to check. */
import { createHmac, randomBytes } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { base64, base64url, type Bytes, hex, leafHash, rootOf, sha256, utf8 } from "@sceau/crypto";

export interface Draft {
  action: string;
  actor: { id: string; kind: string };
  asserted: string;
  attested?: { hash: string; id: string; kind: string; previous: string | null; version: number };
  code?: string;
  detail?: Record<string, string>;
  organisation?: string;
  outcome?: string;
  subjects?: { id: string; kind: string }[];
  time: number;
}

const PUBLIC = ["organisation", "scheme", "key-statement", "key", "client", "application", "key_manager", "platform", "element"];

export class Log {
  readonly name = "sceau.localhost/trace";
  readonly entries: Bytes[] = [];
  readonly #openings: Record<string, { key: string; value: string }>[] = [];
  readonly #secret = new Uint8Array(32).fill(7);
  readonly #public = new Uint8Array(ed25519.getPublicKey(this.#secret));

  async vkey(): Promise<string> {
    return `${this.name}+${hex(await this.#keyId())}+${base64(Uint8Array.of(1, ...this.#public))}`;
  }

  /** Ids of people and of their things enter as commitments, as the element writes them. */
  append(d: Draft): number {
    const openings: Record<string, { key: string; value: string }> = {};
    const commit = <T extends { id: string; kind: string }>(path: string, thing: T): T => {
      if (PUBLIC.includes(thing.kind)) return thing;
      const key = randomBytes(32);
      openings[path] = { key: key.toString("base64url"), value: thing.id };
      return { ...thing, id: `hmac:${createHmac("sha256", key).update(`sceau/trace-field\0${path}\0${thing.id}`).digest("base64url")}` };
    };
    const record = {
      action: d.action, actor: commit("actor.id", d.actor), asserted: d.asserted, attested: d.attested ? commit("attested.id", d.attested) : null, code: d.code ?? "", detail: d.detail ?? {},
      organisation: d.organisation ?? null, outcome: d.outcome ?? "granted", subjects: (d.subjects ?? []).map((subject, i) => commit(`subjects.${i}.id`, subject)), time: d.time, v: 1,
    };
    this.entries.push(utf8(JSON.stringify(record)));
    this.#openings.push(openings);
    return this.entries.length - 1;
  }

  async checkpoint(): Promise<string> {
    const text = `${this.name}\n${this.entries.length}\n${base64(await rootOf(await this.#leaves()))}\n`;
    const signature = ed25519.sign(utf8(text), this.#secret);
    return `${text}\n— ${this.name} ${base64(Uint8Array.of(...(await this.#keyId()), ...signature))}\n`;
  }

  /** With all openings, as the organisation gets it. */
  async whole(index: number): Promise<Record<string, unknown>> {
    return { ...(await this.evidence(index)), openings: this.#openings[index] };
  }

  async evidence(index: number): Promise<Record<string, unknown>> {
    const proof = await path(index, await this.#leaves());
    return {
      v: 1, format: "sceau-evidence", record: base64url(this.entries[index] ?? new Uint8Array()), index,
      proof: proof.map(hex), checkpoint: await this.checkpoint(), log_key: await this.vkey(), openings: this.#shown(index), attachments: {},
    };
  }

  /** A depositor sees in which quality an organisation's people acted, not which of them. */
  #shown(index: number): Record<string, { key: string; value: string }> {
    const { actor } = JSON.parse(new TextDecoder().decode(this.entries[index])) as { actor: { kind: string } };
    return Object.fromEntries(Object.entries(this.#openings[index] ?? {}).filter(([path]) => path !== "actor.id" || actor.kind === "citizen"));
  }

  /** `/trace/tile/<level>/<path>` for logs of less than 256 entries: level 0 only, one partial tile. */
  async tile(): Promise<Bytes> {
    return join(await this.#leaves());
  }

  bundle(): Bytes {
    return join(this.entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]));
  }

  #leaves(): Promise<Bytes[]> {
    return Promise.all(this.entries.map(leafHash));
  }

  async #keyId(): Promise<Bytes> {
    return (await sha256(join([utf8(`${this.name}\n`), Uint8Array.of(1), this.#public]))).slice(0, 4);
  }
}

async function path(index: number, leaves: Bytes[]): Promise<Bytes[]> {
  if (leaves.length <= 1) return [];
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k ? [...(await path(index, left)), await rootOf(right)] : [...(await path(index - k, right)), await rootOf(left)];
}

function join(chunks: Uint8Array[]): Bytes {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
