import { tick } from "svelte";

/** A new step begins: the keyboard and the screen reader start again at the top of the content. */
export function toTop({ scroll = true } = {}): void {
  void tick().then(() => {
    if (scroll) scrollTo(0, 0);
    document.getElementById("content")?.focus({ preventScroll: true });
  });
}
