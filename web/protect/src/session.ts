// A key that is drawn for one answer: what comes back is encrypted to it, so that nobody on the way reads it, and no older answer opens.
import type { Bytes } from "@sceau/crypto/envelope";
import { type Content, ContentKey, type OpenedContent } from "./content.js";
import { DataKey } from "./data-key.js";
import { malformed, ProtectError, reading, unproven } from "./errors.js";
import { type Agreement, decrypt, json } from "./jwe.js";

export type SessionCurve = "P-256" | "X25519";

/** The public half, as a call carries it. */
export interface SessionKey {
  readonly alg: "ECDH-ES";
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y?: string };
}

/** What a session opens: an answer that holds a data key. It holds no secret for anybody else. */
export interface KeyAnswer {
  readonly datum: string;
  /** The `jti` of the call that was sent. */
  readonly call: string;
  /** The place of the datum, where many were asked for: of these each is for what was asked there, and for nothing else. */
  readonly item?: number;
  readonly dataKey: string;
  readonly wrappedKey: string;
  /** Whether the call began the datum: its key and vector were never used then. */
  readonly begun: boolean;
  /** Of a content that is opened: the signature that the element knew as its own. */
  readonly content?: string;
  /** Where the log has the call's record. */
  readonly index: number;
}

/**
 * Drawn where the data is encrypted, which may be a browser while a server of the application signs the call. The private half never
 * leaves the engine, and opens one answer.
 */
export class Session {
  #agreement: Agreement | undefined;

  private constructor(
    agreement: Agreement,
    readonly publicKey: SessionKey,
  ) {
    this.#agreement = agreement;
  }

  /** P-256 is known to every engine; X25519 not to all, and is refused where it is not. */
  static async draw(crv: SessionCurve = "P-256"): Promise<Session> {
    const algorithm = crv === "P-256" ? { name: "ECDH", namedCurve: crv } : { name: crv };
    let pair: CryptoKeyPair;
    try {
      pair = (await crypto.subtle.generateKey(algorithm, false, ["deriveBits"])) as CryptoKeyPair;
    } catch (cause) {
      throw new ProtectError("curve_unavailable", "caller", `${crv} is not known here`, undefined, { cause });
    }
    const { kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const jwk = { kty: String(kty), crv, x: String(x), ...(y === undefined ? {} : { y }) };
    return new Session({ privateKey: pair.privateKey, kty: crv === "P-256" ? "EC" : "OKP", crv }, { alg: "ECDH-ES", jwk });
  }

  /** The data key of an answer to this session's call, and to no other. */
  async open(answer: KeyAnswer): Promise<DataKey> {
    const { k, iv } = await read(this.#take(), answer, 12);
    return new DataKey(k, iv, answer, answer.begun);
  }

  /** Those of the answers to one call about many data, in their order; what is refused of one stays in its place. */
  async openAll(answers: readonly (KeyAnswer | ProtectError)[]): Promise<(DataKey | ProtectError)[]> {
    const agreement = this.#take();
    const keys: (DataKey | ProtectError)[] = [];
    for (const answer of answers) {
      if (answer instanceof ProtectError) {
        keys.push(answer);
        continue;
      }
      const { k, iv } = await read(agreement, answer, 12);
      keys.push(new DataKey(k, iv, answer, answer.begun));
    }
    return keys;
  }

  /** The key of a content that begins, likewise: of an answer to `createContentFor`. */
  async openForContent(answer: KeyAnswer): Promise<ContentKey> {
    const { k, iv, permit } = await read(this.#take(), answer, 16);
    if (permit === null) throw malformed("permit");
    return new ContentKey(k, iv, answer, permit);
  }

  /** Opens a content with the answer to `openContentFor` of that very one: with the signature that the element knew, and not one of who has the key too. */
  async openContent(answer: KeyAnswer, content: Content): Promise<OpenedContent> {
    const isOf = answer.datum === content.datum && answer.wrappedKey === content.wrappedKey && answer.content === content.signature;
    if (!isOf) throw unproven("what was answered is about another content");
    const { k, iv } = await read(this.#take(), answer, 16);
    return content.open(k, iv);
  }

  #take(): Agreement {
    const agreement = this.#agreement;
    if (!agreement) throw new ProtectError("session_used", "caller", "a session opens one answer: draw another");
    this.#agreement = undefined;
    return agreement;
  }
}

async function read(agreement: Agreement, { datum, call, item, dataKey }: KeyAnswer, vector: number): Promise<{ k: Bytes; iv: Bytes; permit: string | null }> {
  const said = json(await decrypt(dataKey, "sceau-data-key", agreement));
  const [k, iv, kid, theirs, place, permit] = reading("data_key", () => [
    said.bytes("k"),
    said.bytes("iv"),
    said.text("kid"),
    said.text("call"),
    said.has("item") ? said.integer("item") : undefined,
    said.textOrNull("permit"),
  ]);
  if (theirs !== call || place !== item || kid !== datum) throw unproven("the data key is of another call or datum; an older answer may have been given again");
  if (k.length !== 32 || iv.length !== vector) throw malformed("k or iv");
  return { k, iv, permit };
}
