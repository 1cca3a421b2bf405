// A log for tests: real hashes, real proofs, a real signature, kept in memory.
import { ed25519 } from "@noble/curves/ed25519.js";
import { base64, base64url, type Bytes, hex, leafHash, rootOf, sha256, type TraceRecord, utf8 } from "../src";
import { concat } from "../src/bytes";

export class Log {
  readonly #secret = crypto.getRandomValues(new Uint8Array(32));
  readonly #entries: Bytes[] = [];
  #id = new Uint8Array(4);
  #key = new Uint8Array(33);
  vkey = "";

  static async create(name = "sceau.localhost/trace"): Promise<Log> {
    const log = new Log();
    log.#key = concat(Uint8Array.of(1), ed25519.getPublicKey(log.#secret));
    log.#id = (await sha256(concat(utf8(`${name}\n`), log.#key))).slice(0, 4);
    log.vkey = `${name}+${hex(log.#id)}+${base64(log.#key)}`;
    return log;
  }

  append(record: Partial<TraceRecord>): number {
    const whole = {
      action: "attest", actor: { id: "element", kind: "element" }, asserted: "element", attested: null, code: "", detail: {},
      organisation: null, outcome: "granted", subjects: [], time: Date.UTC(2026, 10, 20, 9, 30), ...record, v: 1,
    };
    return this.#entries.push(utf8(JSON.stringify(whole))) - 1;
  }

  async evidence(index: number): Promise<Record<string, unknown>> {
    const leaves = await Promise.all(this.#entries.map(leafHash));
    const name = this.vkey.split("+")[0] ?? "";
    const text = `${name}\n${leaves.length}\n${base64(await rootOf(leaves))}\n`;
    const signature = concat(this.#id, ed25519.sign(utf8(text), this.#secret));
    return {
      v: 1,
      format: "sceau-evidence",
      record: base64url(this.#entries[index] ?? new Uint8Array()),
      index,
      proof: (await path(index, leaves)).map(hex),
      checkpoint: `${text}\n\u2014 ${name} ${base64(signature)}\n`,
      log_key: this.vkey,
      attachments: {},
    };
  }
}

async function path(index: number, leaves: Bytes[]): Promise<Bytes[]> {
  if (leaves.length <= 1) return [];
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k ? [...(await path(index, left)), await rootOf(right)] : [...(await path(index - k, right)), await rootOf(left)];
}

