/** Signing out at the provider of identities that began the session: there, and back to the first page (OpenID Connect RP-Initiated Logout 1.0). */
const left = "sceau-left";

/** Leaves to sign out at the provider, too. */
export function signOutThere(url: string): void {
  sessionStorage.setItem(left, new URL(url).searchParams.get("state") ?? "");
  location.assign(url);
}

/** Whether the provider sends this tab back from signing out. What it gave leaves the address bar; a state of nobody's asking says nothing. */
export function signedOutThere(): boolean {
  const state = new URLSearchParams(location.search).get("state");
  if (state === null) return false;
  history.replaceState(null, "", location.pathname);
  const asked = sessionStorage.getItem(left);
  sessionStorage.removeItem(left);
  return state !== "" && state === asked;
}
