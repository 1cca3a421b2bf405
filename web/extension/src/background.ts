// Wakes up each minute, asks the hosts what waits, and says so: a number on the button, and a notification that carries a request's id and nothing else.
import { api, openPage } from "./browser";
import { waiting } from "./desk";

const EACH = { delayInMinutes: 0.5, periodInMinutes: 1 };
/** Which notifications were shown, by the names that they are clicked under: a worker forgets when it sleeps, the browser's session does not. */
const TOLD = "told";

async function visit(): Promise<void> {
  const found = await waiting();
  await api.action.setBadgeBackgroundColor({ color: "#a4162c" });
  await api.action.setBadgeText({ text: found.length === 0 ? "" : String(found.length) });
  const here = new Map(found.map(({ keyring, waiting: { request } }) => [`${keyring}/${request}`, request]));
  const kept = (await api.storage.session.get(TOLD))[TOLD];
  const told = new Set(Array.isArray(kept) ? kept.map(String) : []);
  await api.storage.session.set({ [TOLD]: [...here.keys()] });
  for (const name of told) if (!here.has(name)) await api.notifications.clear(name);
  const rung = new Set<string>();
  for (const [name, request] of here) {
    const keyring = name.slice(0, name.indexOf("/"));
    // One for a keyring each time, whatever its host lists: the number on the button says how many.
    if (told.has(name) || rung.has(keyring)) continue;
    rung.add(keyring);
    const message = navigator.language.startsWith("en") ? `A request waits: ${request}` : `Une demande attend : ${request}`;
    await api.notifications.create(name, { type: "basic", iconUrl: "icons/128.png", title: "Sceau", message });
  }
}

const begin = (): void => {
  api.alarms.create("visit", EACH);
  visit().catch(() => undefined);
};

api.runtime.onInstalled.addListener(begin);
api.runtime.onStartup.addListener(begin);
api.alarms.onAlarm.addListener(() => void visit().catch(() => undefined));
api.notifications.onClicked.addListener((id) => {
  const [keyring = "", request = ""] = id.split("/");
  void openPage(`/k/${keyring}/r/${request}`);
});
