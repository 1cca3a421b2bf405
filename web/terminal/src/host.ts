// The host of keyrings, which carries messages and is believed of nothing.
import { TerminalError } from "./errors";

/** A way to the host: one JSON document out, one back. */
export interface Carrier {
  /** The host by the name that the terminal goes to, with the port where it is not the scheme's: a visit says it. */
  readonly host: string;
  /** Throws {@link HostError}. */
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
/** The longest answer, in characters. */
const LARGEST = 1024 * 1024;

/** A host at this origin. Nothing but the body is told: no cookie, no referrer, and no redirection is followed. */
export function hostAt(origin: string): Carrier {
  return {
    host: new URL(origin).host,
    async post(path, body) {
      let response: Response;
      let text: string;
      try {
        response = await fetch(`${origin}${path}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
          cache: "no-store",
          credentials: "omit",
          redirect: "error",
          referrerPolicy: "no-referrer",
          signal: AbortSignal.timeout(LONGEST),
        });
        text = await response.text();
      } catch (cause) {
        throw new HostError("unreachable", cause instanceof Error ? cause.message : "", 0);
      }
      const said = read(text.length > LARGEST ? "" : text);
      if (response.ok && said !== undefined) return said;
      const { code, detail } = (said ?? {}) as { code?: unknown; detail?: unknown };
      if (typeof code !== "string") throw new HostError("not_a_sceau_server", `HTTP ${response.status}`, response.status);
      throw new HostError(code, typeof detail === "string" ? detail.slice(0, 500) : "", response.status);
    },
    pause: (time) => new Promise((resolve) => setTimeout(resolve, time)),
  };
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
