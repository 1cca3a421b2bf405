// A browser's database, in memory.
import { type Cabinet, TerminalError } from "../src";

export interface Drawer extends Cabinet {
  /** What a thief of the storage has. */
  copy(): Map<string, unknown>;
}

export function drawer(entries = new Map<string, unknown>()): Drawer {
  const busy = new Set<string>();
  return {
    get: (name) => Promise.resolve(entries.get(name)),
    put: (all) => {
      for (const [name, value] of Object.entries(all)) entries.set(name, structuredClone(value));
      return Promise.resolve();
    },
    remove: (names) => {
      for (const name of names) entries.delete(name);
      return Promise.resolve();
    },
    names: () => Promise.resolve([...entries.keys()]),
    alone: async (name, work) => {
      if (busy.has(name)) throw new TerminalError("terminal_busy");
      busy.add(name);
      try {
        return await work();
      } finally {
        busy.delete(name);
      }
    },
    copy: () => new Map([...entries].map(([name, value]) => [name, structuredClone(value)])),
  };
}
