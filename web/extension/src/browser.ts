// As much of the browsers' extension interface as a terminal uses; Chromium and Firefox have it alike under two names.

interface Events<A extends unknown[]> {
  addListener(listener: (...args: A) => void): void;
}

interface Area {
  get(name: string): Promise<Record<string, unknown>>;
  set(values: Record<string, unknown>): Promise<void>;
}

export interface ExtensionApi {
  readonly runtime: {
    readonly onInstalled: Events<[]>;
    readonly onStartup: Events<[]>;
    getURL(path: string): string;
    getPlatformInfo(): Promise<{ os: string; arch: string }>;
  };
  readonly storage: { readonly local: Area; readonly session: Area };
  readonly alarms: { create(name: string, when: { periodInMinutes: number; delayInMinutes?: number }): unknown; readonly onAlarm: Events<[]> };
  readonly notifications: {
    create(id: string, options: { type: "basic"; iconUrl: string; title: string; message: string }): Promise<string>;
    clear(id: string): Promise<boolean>;
    readonly onClicked: Events<[string]>;
  };
  readonly permissions: { contains(wanted: { origins: string[] }): Promise<boolean>; request(wanted: { origins: string[] }): Promise<boolean> };
  readonly action: { setBadgeText(badge: { text: string }): Promise<void>; setBadgeBackgroundColor(badge: { color: string }): Promise<void> };
  readonly tabs: { create(tab: { url: string }): Promise<unknown> };
}

const { browser, chrome } = globalThis as unknown as { browser?: ExtensionApi; chrome: ExtensionApi };

export const api: ExtensionApi = browser ?? chrome;

/** What a browser calls the pages of a host: Firefox knows no ports there. */
const pattern = (origin: string): string => {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${hostname}/*`;
};

/** Asks the holder whether the terminal may speak to this host. To be called at a click. */
export const mayReach = (origin: string): Promise<boolean> => api.permissions.request({ origins: [pattern(origin)] });

/** Opens a page of the terminal in a tab of its own. */
export const openPage = (hash: string): Promise<unknown> => api.tabs.create({ url: api.runtime.getURL(`terminal.html#${hash}`) });
