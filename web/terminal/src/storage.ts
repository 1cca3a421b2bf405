// What a terminal keeps: its key, what it pinned, and a secret that changes at each use. Keys are WebCrypto's and are not extractable; the secret lies sealed under one.
// The environment that it was made in is part of what is kept: a copy elsewhere refuses itself. Compare crates/client/src/terminal/storage.rs.
import { type Bytes, fromBase64url, utf8 } from "./bytes";
import type { Element } from "./conversation";
import { type Actor, parseActors, parsePolicy, type Policy } from "./documents";
import { TerminalError } from "./errors";
import { type DeviceKey, deviceOf } from "./jws";

/** Where entries lie: a database of the browser, or a test's map. Values are structured clones, CryptoKeys among them. */
export interface Cabinet {
  get(name: string): Promise<unknown>;
  /** All of them or none, and durable when it returns. */
  put(entries: Readonly<Record<string, unknown>>): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  names(): Promise<string[]>;
  /** One at a time, in all windows of this terminal. Throws `terminal_busy`. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Where the terminal runs, now: a hash in hexadecimal. */
export type Environment = () => Promise<string>;

/** What is pinned and known of the keyring. No secret is in it. */
export interface Kept extends Element {
  readonly v: 1;
  readonly keyring: string;
  readonly terminal: string;
  /** The key's id. */
  readonly key: string;
  /** The element's word, a JWK. */
  readonly word: string;
  /** The exact bytes, base64url. */
  readonly policy: string;
  readonly access: string;
  readonly certificate: string | null;
  readonly chain: readonly string[];
  readonly image: string;
  /** The origin of its host. */
  readonly host: string;
}

/** The terminal's secret, and the one that a use under way may have put in its place. */
export interface Secrets {
  readonly current: Bytes;
  readonly pending: Bytes | null;
}

/** What the terminal tried itself since its last use. */
export interface Own {
  readonly last: { readonly index: number; readonly time: number } | null;
  readonly attempts: readonly string[];
}

/** What a provider is to have of a request that was granted, as the host takes it. */
export type Outcome = Readonly<Record<string, unknown>>;

export interface Loaded {
  readonly kept: Kept;
  readonly policy: Policy;
  readonly actors: readonly Actor[];
  readonly device: DeviceKey;
  readonly secrets: Secrets;
}

/** Attempts of its own that are known again. */
const MOST_OWN = 256;
const AES = { name: "AES-GCM", length: 256 };

interface SealedSecret {
  readonly iv: Bytes;
  readonly sealed: Bytes;
}

/** The terminal of one keyring. */
export class Storage {
  constructor(
    private readonly cabinet: Cabinet,
    private readonly environment: Environment,
    readonly keyring: string,
  ) {}

  /** The keyrings that have a terminal here. */
  static async all(cabinet: Cabinet): Promise<string[]> {
    const names = await cabinet.names();
    return names.filter((name) => name.endsWith("/kept")).map((name) => name.slice(0, -"/kept".length));
  }

  image(): Promise<string> {
    return this.environment();
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.cabinet.alone(this.keyring, work);
  }

  async exists(): Promise<boolean> {
    return (await this.cabinet.get(this.at("kept"))) !== undefined;
  }

  /** Keeps a new terminal, all of it or nothing. */
  async make(kept: Kept, device: DeviceKey, current: Bytes): Promise<void> {
    const wrapping = await crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);
    await this.cabinet.put({
      [this.at("kept")]: kept,
      [this.at("device")]: { privateKey: device.privateKey, spki: device.spki },
      [this.at("wrapping")]: wrapping,
      [this.at("secrets")]: { current: await this.sealed(wrapping, current), pending: null },
    });
  }

  keep(kept: Kept): Promise<void> {
    return this.cabinet.put({ [this.at("kept")]: kept });
  }

  /** Keeps the secrets, durable when it returns. */
  async keepSecrets({ current, pending }: Secrets): Promise<void> {
    const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
    const written = { current: await this.sealed(wrapping, current), pending: pending === null ? null : await this.sealed(wrapping, pending) };
    await this.cabinet.put({ [this.at("secrets")]: written });
  }

  /** The terminal, if it is where it was made. Throws `terminal_missing`, `terminal_changed` or `terminal_damaged`. */
  async load(): Promise<Loaded> {
    const kept = (await this.cabinet.get(this.at("kept"))) as Kept | undefined;
    if (kept === undefined) throw new TerminalError("terminal_missing", "there is no terminal of this keyring here");
    if ((await this.environment()) !== kept.image) {
      throw new TerminalError("terminal_changed", "this terminal was copied from another installation or device: it is no terminal here");
    }
    try {
      const { privateKey, spki } = (await this.cabinet.get(this.at("device"))) as { privateKey: CryptoKey; spki: Bytes };
      const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
      const { current, pending } = (await this.cabinet.get(this.at("secrets"))) as { current: SealedSecret; pending: SealedSecret | null };
      return {
        kept,
        policy: parsePolicy(fromBase64url(kept.policy)),
        actors: parseActors(fromBase64url(kept.access)),
        device: await deviceOf(privateKey, spki),
        secrets: { current: await this.opened(wrapping, current), pending: pending === null ? null : await this.opened(wrapping, pending) },
      };
    } catch (cause) {
      throw new TerminalError("terminal_damaged", "what the terminal keeps cannot be read", "terminal", { cause });
    }
  }

  async own(): Promise<Own> {
    return ((await this.cabinet.get(this.at("own"))) as Own | undefined) ?? { last: null, attempts: [] };
  }

  /** Keeps that it tries, durable before anything is sent. */
  async keepAttempt(attempt: string): Promise<void> {
    const { last, attempts } = await this.own();
    await this.cabinet.put({ [this.at("own")]: { last, attempts: [...attempts, attempt].slice(-MOST_OWN) } satisfies Own });
  }

  /** Keeps that it was used: what it tried before is of no interest any more. */
  keepUse(index: number, time: number): Promise<void> {
    return this.cabinet.put({ [this.at("own")]: { last: { index, time }, attempts: [] } satisfies Own });
  }

  /** Keeps what was signed for a request until the host has it. */
  keepUndelivered(request: string, outcome: Outcome): Promise<void> {
    return this.cabinet.put({ [this.at(`undelivered/${request}`)]: outcome });
  }

  async undelivered(): Promise<[string, Outcome][]> {
    const start = this.at("undelivered/");
    const names = (await this.cabinet.names()).filter((name) => name.startsWith(start));
    return Promise.all(names.map(async (name): Promise<[string, Outcome]> => [name.slice(start.length), (await this.cabinet.get(name)) as Outcome]));
  }

  forgetUndelivered(request: string): Promise<void> {
    return this.cabinet.remove([this.at(`undelivered/${request}`)]);
  }

  /** Is no terminal any more. */
  async forget(): Promise<void> {
    const names = await this.cabinet.names();
    await this.cabinet.remove(names.filter((name) => name.startsWith(`${this.keyring}/`)));
  }

  private at(name: string): string {
    return `${this.keyring}/${name}`;
  }

  private async sealed(wrapping: CryptoKey, secret: Bytes): Promise<SealedSecret> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, sealed: new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(this.keyring) }, wrapping, secret)) };
  }

  private async opened(wrapping: CryptoKey, { iv, sealed }: SealedSecret): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(this.keyring) }, wrapping, sealed));
  }
}

/** Overwrites secrets that were loaded. */
export const wipe = ({ current, pending }: Secrets): void => {
  current.fill(0);
  pending?.fill(0);
};
