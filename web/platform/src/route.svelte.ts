/** The address bar as state. Pages are few, so a route is the path split at its slashes. */
import { toTop } from "./focus";

const state = $state({ path: location.pathname, query: location.search });

export const route = {
  get path(): string {
    return state.path;
  },
  /** The path's segments: `/dossiers/7` → `["dossiers", "7"]`. */
  get segments(): string[] {
    return state.path.split("/").filter((one) => one !== "").map(decoded);
  },
  get query(): URLSearchParams {
    return new URLSearchParams(state.query);
  },
};

/** Goes to a page of this application. `replace` leaves no way back to where we were. */
export function go(to: string, { replace = false } = {}): void {
  const url = new URL(to, location.origin);
  if (url.origin !== location.origin) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  arrived();
}

/** A place to return to after signing in; only ever a path of this site. */
export function wayBack(query: URLSearchParams): string {
  const wanted = query.get("suite") ?? "/";
  const url = new URL(wanted, location.origin);
  return wanted.startsWith("/") && url.origin === location.origin ? url.pathname + url.search : "/";
}

export function enterThen(path: string): string {
  return `/entrer?suite=${encodeURIComponent(path)}`;
}

/** Turns clicks on plain links of this site into changes of page, and follows the browser's own back and forward. */
export function follow(): void {
  addEventListener("popstate", arrived);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || (link.hash !== "" && link.pathname === location.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}

function arrived(): void {
  const moved = state.path !== location.pathname;
  state.path = location.pathname;
  state.query = location.search;
  if (moved) toTop();
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
