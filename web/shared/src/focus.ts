/** For `{@attach here}`: the keyboard and the screen reader go on from what has just appeared, not from the top of the page. */
export function here(node: HTMLElement): void {
  if (node.tabIndex < 0) node.tabIndex = -1;
  node.focus();
}
