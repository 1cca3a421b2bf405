// The host of keyrings, which carries messages and is believed of nothing.
import { concat } from "./bytes";
import { TerminalError } from "./errors";

/** A way to the host: one JSON document out, one back. */
export interface Carrier {
  /** The host by the name that the terminal goes to, with the port where it is not the scheme's: a visit says it. */
  readonly host: string;
  /** What the host says to everybody. Throws {@link HostError}. */
  get(path: string): Promise<unknown>;
  /** The same of what is posted. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Lets so much time pass before the same message is carried again, in ms. */
  pause(time: number): Promise<void>;
}

/** What the host, or what stands in front of it, says of itself. */
export class HostError extends TerminalError {
  constructor(
    code: string,
    detail: string,
    /** HTTP status; 0 where nothing answered. */
    readonly status: number,
  ) {
    super(code, detail, "host");
    this.name = "HostError";
  }

  /** Whether the same may succeed a moment later. */
  get isPassing(): boolean {
    return [0, 408, 429, 502, 503, 504].includes(this.status);
  }
}

/** The longest that an answer may take: a visit that waits for news takes half of it. */
const LONGEST = 75_000;
/** The longest answer, in bytes. */
const LARGEST = 1024 * 1024;
/** What a code looks like. */
const CODE = /^[a-z][a-z0-9_]{0,39}$/;

/** A host at this origin; an answer may take so long, in ms. Nothing but the body is told: no cookie, no referrer, and no redirection is followed. */
export function hostAt(origin: string, longest = LONGEST): Carrier {
  return {
    host: new URL(origin).host,
    get: (path) => asked(`${origin}${path}`, { method: "GET" }, longest),
    post: (path, body) => asked(`${origin}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }, longest),
    pause: (time) => new Promise((resolve) => setTimeout(resolve, time)),
  };
}

async function asked(url: string, ask: RequestInit, longest: number): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...ask, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(longest) });
    text = await textOf(response);
  } catch (cause) {
    throw new HostError("unreachable", cause instanceof Error ? cause.message : "", 0);
  }
  const said = read(text);
  if (response.ok && said !== undefined) return said;
  const { code, detail } = (said ?? {}) as { code?: unknown; detail?: unknown };
  if (typeof code !== "string" || !CODE.test(code)) throw new HostError("not_a_sceau_server", `HTTP ${response.status}`, response.status);
  throw new HostError(code, typeof detail === "string" ? detail.slice(0, 500) : "", response.status);
}

/** As much of an answer as is read: of a longer one nothing is. */
async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length;
    if (length > LARGEST) {
      await reader?.cancel();
      return "";
    }
    parts.push(part.value);
  }
  return new TextDecoder().decode(concat(...parts));
}

function read(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The origin of a host as people type it: https, or http on this machine. Throws `host_malformed`. */
export function hostOrigin(typed: string): string {
  const refused = (): TerminalError => new TerminalError("host_malformed", "an address such as https://keyrings.example.org");
  let url: URL;
  try {
    url = new URL(typed.trim().includes("://") ? typed.trim() : `https://${typed.trim()}`);
  } catch {
    throw refused();
  }
  const local = /^(?:localhost|127\.0\.0\.1|\[::1\]|[a-z0-9-]+\.localhost)$/.test(url.hostname);
  const plain = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (!plain || !(url.protocol === "https:" || (url.protocol === "http:" && local))) throw refused();
  return url.origin;
}
