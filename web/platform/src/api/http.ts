/** A refusal with its stable code (RFC 9457), or a cut connection (`network`). */
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, readonly detail = "") {
    super(code);
    this.name = "Problem";
  }
}

type Body = { json: unknown } | { octets: BufferSource; digest: string };

export interface Options { body?: Body; signal?: AbortSignal }

/** The one place where these pages call the platform: same origin, session cookie, never a redirect. */
export async function call(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  let body: BodyInit | null = null;
  if (options.body && "json" in options.body) {
    headers.set("content-type", "application/json");
    body = JSON.stringify(options.body.json);
  } else if (options.body) {
    headers.set("content-type", "application/octet-stream");
    headers.set("content-digest", options.body.digest);
    body = options.body.octets;
  }
  let response: Response;
  try {
    response = await fetch(path, {
      method, headers, body, credentials: "same-origin", redirect: "error", cache: "no-store",
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem(0, "network");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function get<T>(path: string, options: Options = {}): Promise<T> {
  return readJson<T>(await call("GET", path, options));
}

export async function post<T>(path: string, json: unknown = {}): Promise<T> {
  return readJson<T>(await call("POST", path, { body: { json } }));
}

export async function put<T>(path: string, json: unknown): Promise<T> {
  return readJson<T>(await call("PUT", path, { body: { json } }));
}

/** For writes that answer nothing but their success. */
export async function send(path: string, json: unknown = {}): Promise<void> {
  await call("POST", path, { body: { json } });
}

async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text().catch(() => { throw new Problem(0, "network"); }); // it broke off halfway
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Problem(response.status, "unreadable_answer");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  let code = "";
  let detail = "";
  try {
    const said = (await response.json()) as { code?: unknown; detail?: unknown };
    if (typeof said.code === "string") code = said.code;
    if (typeof said.detail === "string") detail = said.detail;
  } catch { /* a proxy's page rather than a problem document: the status is all there is */ }
  return new Problem(response.status, code, detail);
}
