// Between the page and the frame that shows a document. The frame has an opaque origin: it is known by its window, not by its name.

/** To the frame. */
export interface Show {
  readonly sceau: "show";
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
  readonly type: "application/pdf" | "image/jpeg" | "image/png";
  readonly language: "fr" | "en";
}

/** From the frame. `sha256` is over the bytes that it renders, computed before it touches them. */
export type FromFrame =
  | { readonly sceau: "ready" }
  | { readonly sceau: "shown"; readonly sha256: string; readonly pages: number }
  | { readonly sceau: "failed"; readonly sha256: string };
