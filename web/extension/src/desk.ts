// What the pages do with the terminals of this installation; the protocol is @sceau/terminal's.
import { fromBase64url, readCertificate } from "@sceau/crypto";
import { type Carrier, hostAt, Storage, Visitor, type Waiting } from "@sceau/terminal";
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
}

export const storageOf = (keyring: string): Storage => new Storage(cabinet, environment, keyring, lock);

export async function keyring(id: string): Promise<Keyring> {
  const { kept, policy, locked } = await storageOf(id).load();
  const until = kept.certificate === null ? null : readCertificate(fromBase64url(kept.certificate)).notAfter;
  return { id, name: policy.name, use: policy.use, host: kept.host, until, locked };
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

/** What waits at the hosts of all terminals, for the badge and notifications: ids alone. */
export async function waiting(): Promise<{ readonly keyring: string; readonly waiting: Waiting }[]> {
  const all = await Promise.all(
    (await Storage.all(cabinet)).map(async (id) => {
      const storage = storageOf(id);
      const visitor = await Visitor.at(storage, await carrierOf(storage));
      return (await visitor.waiting()).map((one) => ({ keyring: id, waiting: one }));
    }).map((work) => work.catch(() => [])),
  );
  return all.flat();
}
