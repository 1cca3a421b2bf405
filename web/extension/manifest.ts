// The manifest (Manifest V3) of each browser, from one source. What it may do is as little as a terminal needs: keep, wake up, notify; the host is asked for by its holder.
export type Browser = "chromium" | "firefox";

/** Pages run their own code and nothing else; `wasm-unsafe-eval` is for the PIN's library. They speak to hosts of keyrings, which the browser asks the holder about. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src https: http://localhost:* http://127.0.0.1:* http://*.localhost:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Who gives the extension out to Firefox: an id and an address of updates of their own. */
export interface Distributor {
  readonly id: string;
  /** https: Firefox looks there for updates, and nowhere else. Without one it looks at Mozilla's list for whoever has this id there. */
  readonly updates: string;
}

/** Nobody's: to try it. Its address leads nowhere (RFC 2606), so that nobody's code comes by it. */
const TRIAL: Distributor = { id: "terminal@sceau.invalid", updates: "https://sceau.invalid/terminal/updates.json" };

/** The distributor that who builds it names (SCEAU_FIREFOX_ID and SCEAU_FIREFOX_UPDATES, both or neither). */
export function distributor({ SCEAU_FIREFOX_ID: id, SCEAU_FIREFOX_UPDATES: updates }: Readonly<Record<string, string | undefined>>): Distributor {
  if (id === undefined && updates === undefined) return TRIAL;
  if (id === undefined || updates === undefined || !/^[a-zA-Z0-9._-]*@[a-zA-Z0-9._-]+$/.test(id) || !updates.startsWith("https://")) {
    throw new Error("SCEAU_FIREFOX_ID is like terminal@example.org, and SCEAU_FIREFOX_UPDATES an https address of yours: give both or neither");
  }
  return { id, updates };
}

export function manifest(browser: Browser, version: string, by: Distributor = TRIAL): object {
  const icons = { 16: "icons/16.png", 32: "icons/32.png", 48: "icons/48.png", 128: "icons/128.png" };
  return {
    manifest_version: 3,
    name: "Sceau",
    description: "Le terminal d’un trousseau : lire, accepter, signer. / A keyring’s terminal: read, agree, sign.",
    version,
    icons,
    action: { default_popup: "terminal.html#/popup", default_title: "Sceau", default_icon: icons },
    background: browser === "chromium" ? { service_worker: "background.js", type: "module" } : { scripts: ["background.js"], type: "module" },
    permissions: ["storage", "alarms", "notifications"],
    optional_host_permissions: ["https://*/*", "http://localhost/*", "http://127.0.0.1/*", "http://*.localhost/*"],
    content_security_policy: { extension_pages: POLICY },
    incognito: "not_allowed",
    ...(browser === "chromium"
      ? { minimum_chrome_version: "120" }
      : { browser_specific_settings: { gecko: { id: by.id, update_url: by.updates, strict_min_version: "128.0", data_collection_permissions: { required: ["none"] } } } }),
  };
}
