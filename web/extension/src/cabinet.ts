// Where a terminal's entries lie: IndexedDB, which keeps CryptoKeys without ever giving their bytes out. Each write is one transaction, on the disk when it returns.
import { type Cabinet, TerminalError } from "@sceau/terminal";

const ENTRIES = "entries";

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("sceau-terminal", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(ENTRIES);
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new TerminalError("terminal_storage", request.error?.message ?? ""));
  });
}

async function read<T>(ask: (entries: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await done(ask(database.transaction(ENTRIES).objectStore(ENTRIES)));
  } finally {
    database.close();
  }
}

async function write(change: (entries: IDBObjectStore) => void): Promise<void> {
  const database = await open();
  try {
    const transaction = database.transaction(ENTRIES, "readwrite", { durability: "strict" });
    change(transaction.objectStore(ENTRIES));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(new TerminalError("terminal_storage", transaction.error?.message ?? ""));
    });
  } finally {
    database.close();
  }
}

/** The database of this installation. */
export const cabinet: Cabinet = {
  get: (name) => read((entries) => entries.get(name)),
  put: (all) =>
    write((entries) => {
      for (const [name, value] of Object.entries(all)) entries.put(value, name);
    }),
  remove: (names) =>
    write((entries) => {
      for (const name of names) entries.delete(name);
    }),
  names: async () => (await read((entries) => entries.getAllKeys())).map(String),
  alone: <T>(name: string, work: () => Promise<T>): Promise<T> =>
    navigator.locks.request(`terminal/${name}`, { ifAvailable: true }, (lock) => {
      if (lock === null) throw new TerminalError("terminal_busy", "another window uses this terminal now");
      return work();
    }),
};
