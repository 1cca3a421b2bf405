// What a terminal keeps: its key, what it pinned, and a secret that changes at each use. Keys are WebCrypto's and are not extractable; the secret lies sealed under one.
// The environment that it was made in is part of what is kept: a copy elsewhere refuses itself. Compare crates/client/src/terminal/storage.rs.
import { type Bytes, fromBase64url, utf8, wiped } from "./bytes";
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

/** The device's own lock, where a terminal asks for it besides the PIN: what lies under it opens on this device alone, for whom the device knows. */
export interface Lock {
  /** Makes a credential on this device, which nothing takes to another: what finds it again. Throws `terminal_locked`. */
  make(): Promise<Bytes>;
  /** 32 bytes that the device gives for it once it knows its holder: the same each time, and from no other device. Throws `terminal_locked`. */
  open(credential: Bytes): Promise<Bytes>;
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
  /** Whether the device's lock is asked for besides the PIN. */
  readonly locked: boolean;
}

/** Attempts of its own that are known again. */
const MOST_OWN = 256;
const AES = { name: "AES-GCM", length: 256 };

interface SealedSecret {
  readonly ivs: readonly Bytes[];
  readonly sealed: Bytes;
}

/** The terminal of one keyring. */
export class Storage {
  constructor(
    private readonly cabinet: Cabinet,
    private readonly environment: Environment,
    readonly keyring: string,
    private readonly lock: Lock | null = null,
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

  /** Keeps a new terminal, all of it or nothing; `locked` has its secret lie under the device's lock besides. Throws `terminal_locked`. */
  async make(kept: Kept, device: DeviceKey, current: Bytes, locked: boolean): Promise<void> {
    const wrapping = await crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);
    const credential = locked ? await this.needed().make() : null;
    const keys = [wrapping, ...(credential === null ? [] : [await this.locking(credential)])];
    await this.cabinet.put({
      [this.at("kept")]: kept,
      [this.at("device")]: { privateKey: device.privateKey, spki: device.spki },
      [this.at("wrapping")]: wrapping,
      ...(credential === null ? {} : { [this.at("lock")]: credential }),
      [this.at("secrets")]: { current: await this.sealed(keys, current), pending: null },
    });
  }

  keep(kept: Kept): Promise<void> {
    return this.cabinet.put({ [this.at("kept")]: kept });
  }

  /** Its secrets, once the device's lock is opened where there is one; and what keeps others in their place, durable when it returns. Throws `terminal_locked`, `terminal_damaged`. */
  async open(): Promise<{ secrets: Secrets; keep: (next: Secrets) => Promise<void> }> {
    const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
    const credential = (await this.cabinet.get(this.at("lock"))) as Bytes | undefined;
    const keys = [wrapping, ...(credential === undefined ? [] : [await this.locking(credential)])];
    const keep = async ({ current, pending }: Secrets): Promise<void> =>
      this.cabinet.put({ [this.at("secrets")]: { current: await this.sealed(keys, current), pending: pending === null ? null : await this.sealed(keys, pending) } });
    try {
      const written = (await this.cabinet.get(this.at("secrets"))) as { current: SealedSecret; pending: SealedSecret | null };
      const { current, pending } = written;
      return { secrets: { current: await this.opened(keys, current), pending: pending === null ? null : await this.opened(keys, pending) }, keep };
    } catch (cause) {
      throw new TerminalError("terminal_damaged", "what the terminal keeps cannot be read", "terminal", { cause });
    }
  }

  /** The terminal without its secrets, if it is where it was made. Throws `terminal_missing`, `terminal_changed` or `terminal_damaged`. */
  async load(): Promise<Loaded> {
    const kept = (await this.cabinet.get(this.at("kept"))) as Kept | undefined;
    if (kept === undefined) throw new TerminalError("terminal_missing", "there is no terminal of this keyring here");
    if ((await this.environment()) !== kept.image) {
      throw new TerminalError("terminal_changed", "this terminal was copied from another installation or device: it is no terminal here");
    }
    try {
      const { privateKey, spki } = (await this.cabinet.get(this.at("device"))) as { privateKey: CryptoKey; spki: Bytes };
      return {
        kept,
        policy: parsePolicy(fromBase64url(kept.policy)),
        actors: parseActors(fromBase64url(kept.access)),
        device: await deviceOf(privateKey, spki),
        locked: (await this.cabinet.get(this.at("lock"))) !== undefined,
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

  private needed(): Lock {
    if (this.lock === null) throw new TerminalError("terminal_locked", "this terminal asks for the lock of its device, and there is none here");
    return this.lock;
  }

  /** The key that the device's lock gives. */
  private async locking(credential: Bytes): Promise<CryptoKey> {
    return wiped(await this.needed().open(credential), (key) => crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]));
  }

  /** Under each key, the first one innermost. */
  private async sealed(keys: readonly CryptoKey[], secret: Bytes): Promise<SealedSecret> {
    const ivs = keys.map(() => crypto.getRandomValues(new Uint8Array(12)));
    let sealed = secret;
    for (const [at, key] of keys.entries()) sealed = new Uint8Array(await crypto.subtle.encrypt(this.of(ivs[at]), key, sealed));
    return { ivs, sealed };
  }

  private async opened(keys: readonly CryptoKey[], { ivs, sealed }: SealedSecret): Promise<Bytes> {
    let opened = sealed;
    for (const [at, key] of [...keys.entries()].reverse()) opened = new Uint8Array(await crypto.subtle.decrypt(this.of(ivs[at]), key, opened));
    return opened;
  }

  /** Of this keyring: elsewhere it does not open. */
  private of(iv: Bytes | undefined): AesGcmParams {
    if (iv === undefined) throw new TerminalError("terminal_damaged");
    return { name: "AES-GCM", iv, additionalData: utf8(this.keyring) };
  }
}

/** Overwrites secrets that were loaded. */
export const wipe = ({ current, pending }: Secrets): void => {
  current.fill(0);
  pending?.fill(0);
};
