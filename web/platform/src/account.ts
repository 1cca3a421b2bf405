/** Which account this browser knows to be the person's own: by the passkey's user handle, or by the address that was typed beside a password,
 * since its first sight. The platform's word for it, later, must be the same. */
import { fromBase64url, fromUtf8, hex, SceauError, sha256, utf8 } from "@sceau/crypto";
import { api } from "./api";

const remembered = "sceau-account";

/** `handle`: what the device gives with the passkey, base64url of the account id's text. A device may give none. */
export function enteredByPasskey(handle: string | null): void {
  if (handle === null) localStorage.removeItem(remembered);
  else localStorage.setItem(remembered, fromUtf8(fromBase64url(handle)));
}

/** Trusted on first use of this address in this browser. */
export async function enteredByPassword(email: string): Promise<void> {
  const place = `${remembered}-of-${hex(await sha256(utf8(email.trim().toLowerCase())))}`;
  const known = localStorage.getItem(place) ?? (await api.me()).account.id;
  localStorage.setItem(place, known);
  localStorage.setItem(remembered, known);
}

/** The person's own account. Refuses where the platform now names another than this browser knows. */
export async function ownAccount(): Promise<string> {
  const { id } = (await api.me()).account;
  const known = localStorage.getItem(remembered);
  if (known === null) localStorage.setItem(remembered, id);
  else if (known !== id) throw new SceauError("account_changed");
  return id;
}
