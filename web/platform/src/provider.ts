/** Signing in by a provider of identities: there and back. What the provider gives the browser leaves the address bar before anything else
 * happens, and goes to the platform in a body. */
import { enteredByPasskey } from "./account";
import { api } from "./api";
import { call } from "./api/http";
import type { Account, Arrival, Departure, Prepared } from "./api/types";
import { approve } from "./approve";

/** What this tab was about when it left. */
interface Errand { readonly for: "enter" | "link"; readonly back: string; readonly provider: string }

const kept = "sceau-away";

/** Leaves for a provider's own pages. */
export async function goToProvider(name: string, errand: Errand["for"], back: string): Promise<void> {
  const path = `/v1/providers/${encodeURIComponent(name)}/${errand === "link" ? "link/begin" : "begin"}`;
  const response = await call("POST", path, { body: { json: {} } });
  const { url } = (await response.json()) as Departure;
  sessionStorage.setItem(kept, JSON.stringify({ for: errand, back, provider: name } satisfies Errand));
  location.assign(url);
}

/** What the provider gave, taken out of the address bar; and what this tab was about. */
export function arrival(provider: string): { given: Arrival; errand: Errand } {
  const query = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  const given: Arrival = { provider, state: query.get("state") ?? "" };
  const [code, iss] = [query.get("code"), query.get("iss")];
  if (code !== null) given.code = code;
  if (iss !== null) given.iss = iss;
  const errand = JSON.parse(sessionStorage.getItem(kept) ?? "{}") as Partial<Errand>;
  sessionStorage.removeItem(kept);
  return { given, errand: { for: errand.for === "link" ? "link" : "enter", back: errand.back ?? "/", provider } };
}

/** A session begins. Whether the account is new. */
export async function enterByProvider(given: Arrival): Promise<boolean> {
  const { first } = await api.providerFinish(given);
  // A device that several people use knows none of them by this: the next proof binds the account anew.
  enteredByPasskey(null);
  return first;
}

/** What the person's passkey is asked to sign. */
export const prepareLink = (given: Arrival): Promise<Prepared> => api.providerLinkPrepare(given);

/** Binds the identity to the account that is signed in, with the person's gesture. */
export async function confirmLink(prepared: Prepared, account: Account): Promise<void> {
  const proof = await approve("identity", prepared, { v: 1, account: account.id });
  await api.providerLink(prepared.payload, proof);
}

/** Ends what binds a provider's identity to the account, with the person's gesture; and every session that it began. */
export async function unlink(provider: string, account: Account): Promise<void> {
  const prepared = await api.providerUnlinkPrepare(provider);
  const proof = await approve("identity", prepared, { v: 1, account: account.id, status: "ended" });
  await api.providerLink(prepared.payload, proof);
}
