/** Who says no: the element (sealed, its own word), the host or what stands in front of it, or the terminal itself. */
export type By = "element" | "host" | "terminal";

/** The one error this room throws on purpose. `code` is stable and the same as of `sceau terminal`; `detail` is for people who help, and has no secret and no PIN. */
export class TerminalError extends Error {
  constructor(
    readonly code: string,
    readonly detail = "",
    readonly by: By = "terminal",
    options?: ErrorOptions,
  ) {
    super(detail === "" ? code : `${code}: ${detail}`, options);
    this.name = "TerminalError";
  }
}

/** Something is not what the other side should have sent: nothing of it is believed. */
export const unproven = (detail: string): TerminalError => new TerminalError("unproven", detail);

/** The stable code of whatever was thrown. */
export function codeOf(error: unknown): string {
  if (error instanceof TerminalError) return error.code;
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "unexpected";
}
