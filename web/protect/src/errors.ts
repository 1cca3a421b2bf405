// What can go wrong, as stable codes, and who is at fault.
import { SceauError } from "@sceau/crypto/envelope";

/**
 * Who must change something before it helps to ask again: `caller`, who asks (another user, an authorisation, another key); `service`, the
 * keyfront or what is behind it; `network`, what lies between; `answer`, whoever answered something that is not believed; `data`, what was
 * to be opened, which was altered or is something else.
 */
export type Fault = "caller" | "service" | "network" | "answer" | "data";

/** The one error that this package throws on purpose. `detail` is for a developer and never holds a secret. */
export class ProtectError extends Error {
  override readonly name = "ProtectError";

  constructor(
    /** Stable: the problem's code (docs/problem-codes.md), an envelope's (docs/envelope.md), or one of this package's. */
    readonly code: string,
    readonly fault: Fault,
    readonly detail = "",
    /** The HTTP status, where there was one. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(detail ? `${code}: ${detail}` : code, options);
  }

  /** Whether the same may succeed a moment later. It is then another call, which the client signs anew. */
  get passing(): boolean {
    return this.fault === "network" || [408, 429, 502, 503, 504].includes(this.status ?? 0);
  }
}

/** Of a refusal with this status: 4xx is for who asks to change, 5xx for the service. */
export const faultOf = (status: number): Fault => (status >= 500 ? "service" : "caller");

export const unproven = (detail: string): ProtectError => new ProtectError("answer_unproven", "answer", detail);
export const malformed = (detail: string, cause?: unknown): ProtectError =>
  new ProtectError("answer_malformed", "answer", detail, undefined, { cause });

/** An envelope's error, as one of this package's. */
export function ofData(error: unknown): unknown {
  return error instanceof SceauError ? new ProtectError(error.code, "data", "", undefined, { cause: error }) : error;
}

/** Reads what was answered; what is not of the form is the answer's fault. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof ProtectError ? cause : malformed(what, cause);
  }
}
