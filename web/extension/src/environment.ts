// Where the terminal runs, as far as an extension can know it: this installation, by a number that was drawn at its first start and lies in another store than the keys;
// the extension's own origin, which Firefox draws for each profile; the system and its architecture. SECURITY.md says what that holds back and what it does not.
import { api } from "./browser";

const NAME = "installation";

async function installation(): Promise<string> {
  return navigator.locks.request("installation", async () => {
    const kept = (await api.storage.local.get(NAME))[NAME];
    if (typeof kept === "string") return kept;
    const drawn = hex(crypto.getRandomValues(new Uint8Array(32)));
    await api.storage.local.set({ [NAME]: drawn });
    return drawn;
  });
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** SHA-256 of it, hexadecimal: what each message to the element says. */
export async function environment(): Promise<string> {
  const { os, arch } = await api.runtime.getPlatformInfo();
  const said = JSON.stringify(["sceau terminal in a browser", await installation(), new URL(api.runtime.getURL("")).origin, os, arch]);
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said))));
}
