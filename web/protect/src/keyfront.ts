// Calls on their way: signed, carried over HTTPS, and what comes back held against what was asked.
import { base64url, Fields, random, utf8 } from "@sceau/crypto/envelope";
import type { ContentToSign } from "./content.js";
import { faultOf, malformed, ProtectError, reading, unproven } from "./errors.js";
import { verifyAnswer } from "./proven.js";
import { accesses, type Accesses, datum, type Datum, datumId, erasure, type Erasure } from "./said.js";
import { sign, type SigningKey } from "./signer.js";

/** How long a call is good, in seconds; the element takes at most 300. */
const GOOD_FOR = 120;
const LONGEST_ANSWER = 1024 * 1024;

/** A registered application before its keyfront. */
export interface Settings {
  /** `url` of the keyfront's ready line, such as `https://keys.example.org:8447`. */
  readonly keyfront: string;
  /** `audience` of the same line: the log's name. */
  readonly audience: string;
  /** The application's id. */
  readonly application: string;
  readonly key: SigningKey;
  /** The log's verifier key, through another channel than the keyfront: what the log does not prove is then refused. */
  readonly logKey?: string;
  /** How long an answer may take, in milliseconds; 30 seconds, unless said. */
  readonly timeout?: number;
  /** For other trust anchors or proxies than the engine's. */
  readonly fetch?: typeof globalThis.fetch;
  /** Unix milliseconds, for tests. */
  readonly now?: () => number;
}

/** For whom the application calls, in its own words, which Sceau takes its word for. */
export interface User {
  readonly user: string;
  readonly groups?: readonly string[];
  /** The user's ID token, where a provider of identities proves who the application's users are; asked for at each call, so that a renewed one is brought. */
  readonly idToken?: () => string | Promise<string>;
}

/** What an operation takes. */
export interface Asked {
  readonly datum?: string;
  readonly before?: number | undefined;
  readonly [member: string]: unknown;
}

export interface Answer {
  readonly datum: string;
  readonly index: number;
  /** The `jti` that was sent. */
  readonly call: string;
  /** The place of the datum, where many were asked for. */
  readonly item?: number;
  readonly wrappedKey: string | null;
  readonly dataKey: string | null;
  readonly document: Datum | null;
  readonly accesses: Accesses | null;
  readonly erasure: Erasure | null;
}

export class Keyfront {
  readonly #settings: Settings;
  readonly #calls: URL;
  readonly #batches: URL;
  readonly #contents: URL;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#calls = address(settings.keyfront, "calls");
    this.#batches = address(settings.keyfront, "batches");
    this.#contents = address(settings.keyfront, "contents");
  }

  /** One operation of docs/protect-a-field.md, by its name. */
  async call(user: User, name: string, asked: Asked): Promise<Answer> {
    const { application, logKey } = this.#settings;
    const { jti, call } = await this.#signed(user, { [name]: asked }, logKey !== undefined);
    const said = await this.#post(this.#calls, call, "application/jose");
    if (logKey !== undefined) await verifyAnswer(Object.fromEntries(said.entries()), { call, application, logKey });
    return reading("the answer", () => answered(said, jti, asked));
  }

  /** Many of one operation by one call, for one session; an answer or a refusal for each, in their order. The log's proof does not come with them. */
  async callMany(user: User, name: string, session: unknown, data: readonly Asked[]): Promise<(Answer | ProtectError)[]> {
    if (this.#settings.logKey !== undefined) throw unproven("answers to many data come without the log's proof: ask for one by one");
    const { jti, call } = await this.#signed(user, { [name]: { session, data } }, false);
    const said = await this.#post(this.#batches, call, "application/jose");
    return reading("the answer", () => {
      const items = said.objects("items");
      if (items.length !== data.length) throw malformed("another number of answers than of data");
      return items.map((item, at) => {
        if (!item.has("refused")) return { ...answered(item.object("granted"), jti, data[at] ?? {}), item: at };
        const refused = item.object("refused");
        const status = refused.integer("status");
        return new ProtectError(refused.text("code"), faultOf(status), refused.text("detail"), status);
      });
    });
  }

  async #signed({ user, groups, idToken }: User, op: object, proven: boolean): Promise<{ jti: string; call: string }> {
    const { application, audience, key, now = Date.now } = this.#settings;
    const iat = Math.floor(now() / 1000);
    const jti = base64url(random(24));
    const of = groups && groups.length > 0 ? groups : undefined;
    const prove = proven ? true : undefined;
    const id_token = await idToken?.();
    const claims = { iss: application, aud: audience, iat, exp: iat + GOOD_FOR, jti, sub: user, groups: of, prove, id_token, op };
    return { jti, call: await sign(key, "sceau-protect-call", utf8(JSON.stringify(claims))) };
  }

  /** What has a content signed is its permit, and no call. */
  async signContent({ datum, permit, sha256 }: ContentToSign): Promise<string> {
    const said = await this.#post(this.#contents, JSON.stringify({ datum, permit, sha256 }), "application/json");
    return reading("the answer", () => said.text("signature"));
  }

  async #post(to: URL, body: string, type: string): Promise<Fields> {
    const { fetch = globalThis.fetch, timeout = 30_000 } = this.#settings;
    let response: Response;
    let text: string;
    try {
      response = await fetch(to, {
        method: "POST",
        headers: { "content-type": type },
        body,
        redirect: "error",
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(timeout),
      });
      text = await whole(response);
    } catch (cause) {
      if (cause instanceof ProtectError) throw cause;
      throw new ProtectError("unreachable", "network", "the keyfront does not answer: the call may have been taken", undefined, { cause });
    }
    if (!response.ok) throw refusal(response.status, text);
    return reading("the answer", () => Fields.parse(text, "bad_encoding"));
  }
}

function answered(said: Fields, jti: string, asked: Asked): Answer {
  const answer: Answer = {
    datum: datumId(said),
    index: said.integer("index"),
    call: jti,
    wrappedKey: said.textOrNull("wrapped_key"),
    dataKey: said.textOrNull("data_key"),
    document: said.has("document") ? datum(said.object("document")) : null,
    accesses: said.has("accesses") ? accesses(said.object("accesses"), asked.before) : null,
    erasure: said.has("erasure") ? erasure(said.object("erasure")) : null,
  };
  const theirs = answer.document === null || answer.document.id === answer.datum;
  if (!theirs || (asked.datum ?? answer.datum) !== answer.datum) throw unproven("what was answered is about another datum");
  return answer;
}

/** What was said of a refusal; of something that is not Sceau's, its status. */
function refusal(status: number, text: string): ProtectError {
  try {
    const said = Fields.parse(text, "bad_encoding");
    return new ProtectError(said.text("code"), faultOf(status), said.textOrNull("detail") ?? said.textOrNull("title") ?? "", status);
  } catch {
    return new ProtectError("unavailable", "service", `status ${status}, and no problem document: is this a keyfront?`, status);
  }
}

async function whole(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.length;
    if (length > LONGEST_ANSWER) {
      await reader?.cancel();
      throw malformed("longer than any that is agreed");
    }
    text += decoder.decode(read.value, { stream: true });
  }
  return text + decoder.decode();
}

/** Names of users and data travel in calls: in clear to this machine only. */
function address(keyfront: string, route: "calls" | "batches" | "contents"): URL {
  let url: URL;
  try {
    url = new URL(`/v1/protect/${route}`, keyfront);
  } catch (cause) {
    throw new ProtectError("keyfront_address", "caller", "scheme, host and port are wanted", undefined, { cause });
  }
  const here = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(here && url.protocol === "http:")) {
    throw new ProtectError("keyfront_address", "caller", "an https address is wanted, but for this machine");
  }
  return url;
}
