// What the pages do with the terminals of this installation; the protocol is @sceau/terminal's.
import { fromBase64url, readCertificate } from "@sceau/crypto";
import { type Carrier, type Here, hostAt, Storage, Visitor, type Waiting } from "@sceau/terminal";
import { cabinet } from "./cabinet";
import { environment } from "./environment";
import { lock } from "./lock";

/** A keyring that has a terminal here, as it is listed. */
export interface Keyring {
  readonly id: string;
  readonly name: string;
  readonly use: "sign" | "authenticate";
  readonly host: string;
  /** Until when its certificate is good, Unix ms. */
  readonly until: number | null;
  /** Whether the device's lock is asked for besides the PIN. */
  readonly locked: boolean;
  /** The name that this terminal has in it. */
  readonly terminal: string;
  /** Whether another terminal may come: beside this one, or in its place. */
  readonly roaming: "none" | "copy" | "move";
  readonly terminalsMost: number;
}

/** Where terminals lie and run, here. */
export const here: Here = { cabinet, environment, lock };

export const storageOf = (keyring: string): Storage => new Storage(cabinet, environment, keyring, lock);

export async function keyring(id: string): Promise<Keyring> {
  const { kept, policy, locked } = await storageOf(id).load();
  const until = kept.certificate === null ? null : readCertificate(fromBase64url(kept.certificate)).notAfter;
  return { id, name: policy.name, use: policy.use, host: kept.host, until, locked, terminal: kept.terminal, roaming: policy.roaming, terminalsMost: policy.terminalsMost };
}

/** All of them; of one that is not itself here any more, why. */
export async function keyrings(): Promise<(Keyring | { readonly id: string; readonly refused: unknown })[]> {
  const ids = await Storage.all(cabinet);
  return Promise.all(ids.map((id) => keyring(id).catch((refused: unknown) => ({ id, refused }))));
}

/** The way to the host of a terminal. */
export async function carrierOf(storage: Storage): Promise<Carrier> {
  return hostAt((await storage.load()).kept.host);
}

/** The longest that a host may keep the badge waiting, in ms. */
const LONGEST = 10_000;

/** What waits at the hosts of all terminals, for the badge and notifications: ids alone. A host that does not answer keeps no other one's from being told. */
export async function waiting(): Promise<{ readonly keyring: string; readonly waiting: Waiting }[]> {
  const all = await Promise.all((await Storage.all(cabinet)).map((id) => visited(id).catch(() => [])));
  return all.flat();
}

async function visited(id: string): Promise<{ readonly keyring: string; readonly waiting: Waiting }[]> {
  const storage = storageOf(id);
  const visitor = await Visitor.to(storage, hostAt((await storage.load()).kept.host, LONGEST));
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), LONGEST));
  const found = await Promise.race([visitor.waiting(), late]);
  // Once it is known that the host answers.
  visitor.handOver().catch(() => undefined);
  return found.map((one) => ({ keyring: id, waiting: one }));
}
