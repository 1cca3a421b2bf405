// What a terminal keeps: its key, what it pinned, and a secret that changes at each use. Keys are WebCrypto's and are not extractable; the secret lies sealed under one.
// The environment that it was made in is part of what is kept: a copy elsewhere refuses itself. Compare crates/client/src/terminal/storage.rs.
import { base64url, type Bytes, fromBase64url, utf8, wiped } from "./bytes";
import type { Element } from "./conversation";
import { type Actor, parseActors, parsePolicy, type Policy } from "./documents";
import { TerminalError } from "./errors";
import { type DeviceKey, deviceOf } from "./jws";
import { deriveFor } from "./labels";

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

/** The device's lock, as it was made for one terminal. */
export interface MadeLock {
  readonly credential: Bytes;
  /** What the device gives for it. */
  readonly given: Bytes;
}

/** What is kept of it. */
interface KeptLock {
  readonly credential: Bytes;
  /** Whether what OPAQUE registered is the PIN with a value of the lock's: then nobody tries a PIN without the device. Not where the PIN came from another terminal. */
  readonly inPin: boolean;
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

/** What the terminal tried itself. */
export interface Own {
  /** Its last use: when, and the newest entry of history that its holder was warned of by then. */
  readonly last: { readonly index: number; readonly time: number } | null;
  readonly attempts: readonly string[];
  /** The names of the keyring's terminals that its holder was shown by then; null where it was never looked. */
  readonly known: readonly string[] | null;
}

/** The terminal that may come by this one, and what its short code is made of. The roaming code is not kept. */
export interface Comes {
  readonly terminal: string;
  readonly short: Bytes;
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

/** What of a terminal is opened for a use. */
export interface Opened {
  readonly secrets: Secrets;
  readonly keep: (next: Secrets) => Promise<void>;
  readonly password: (pin: string) => string;
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

  /** A lock for a new terminal, of this device. Throws `terminal_locked`. */
  async makeLock(): Promise<MadeLock> {
    const credential = await this.needed().make();
    return { credential, given: await this.needed().open(credential) };
  }

  /** Keeps a new terminal, all of it or nothing; its secret lies under the device's lock besides, where there is one. */
  async make(kept: Kept, device: DeviceKey, current: Bytes, lock: MadeLock | null, inPin: boolean): Promise<void> {
    const wrapping = await crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);
    const keys = [wrapping, ...(lock === null ? [] : [await locking(lock.given)])];
    await this.cabinet.put({
      [this.at("kept")]: kept,
      [this.at("device")]: { privateKey: device.privateKey, spki: device.spki },
      [this.at("wrapping")]: wrapping,
      ...(lock === null ? {} : { [this.at("lock")]: { credential: lock.credential, inPin } satisfies KeptLock }),
      [this.at("secrets")]: { current: await this.sealed(keys, current), pending: null },
    });
  }

  keep(kept: Kept): Promise<void> {
    return this.cabinet.put({ [this.at("kept")]: kept });
  }

  /**
   * Its secrets, once the device's lock is opened where there is one; what keeps others in their place, durable when it returns; and what OPAQUE is given for a PIN.
   * Throws `terminal_locked`, `terminal_damaged`.
   */
  async open(): Promise<Opened> {
    const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
    const lock = (await this.cabinet.get(this.at("lock"))) as KeptLock | undefined;
    const given = lock === undefined ? null : await this.needed().open(lock.credential);
    const password = given !== null && lock?.inPin === true ? passwordWith(given) : (pin: string): string => pin;
    const keys = [wrapping, ...(given === null ? [] : [await locking(given)])];
    const keep = async ({ current, pending }: Secrets): Promise<void> =>
      this.cabinet.put({ [this.at("secrets")]: { current: await this.sealed(keys, current), pending: pending === null ? null : await this.sealed(keys, pending) } });
    try {
      const written = (await this.cabinet.get(this.at("secrets"))) as { current: SealedSecret; pending: SealedSecret | null };
      const { current, pending } = written;
      return { secrets: { current: await this.opened(keys, current), pending: pending === null ? null : await this.opened(keys, pending) }, keep, password };
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
    return ((await this.cabinet.get(this.at("own"))) as Own | undefined) ?? { last: null, attempts: [], known: null };
  }

  /** Keeps that it tries, durable before anything is sent. */
  async keepAttempt(attempt: string): Promise<void> {
    const own = await this.own();
    await this.cabinet.put({ [this.at("own")]: { ...own, attempts: [...own.attempts, attempt].slice(-MOST_OWN) } satisfies Own });
  }

  /** Keeps that it was used, and what its holder was warned of by then. Its own attempts stay: that of this use comes after. */
  async keepUse(index: number, time: number): Promise<void> {
    const own = await this.own();
    await this.cabinet.put({ [this.at("own")]: { ...own, last: { index, time } } satisfies Own });
  }

  /** Keeps which terminals the keyring has, as its holder knows. */
  async keepKnown(known: readonly string[]): Promise<void> {
    await this.cabinet.put({ [this.at("own")]: { ...(await this.own()), known } satisfies Own });
  }

  /** Keeps which terminal may come. */
  async keepComes({ terminal, short }: Comes): Promise<void> {
    const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
    await this.cabinet.put({ [this.at("comes")]: { terminal, short: await this.sealed([wrapping], short) } });
  }

  /** Which terminal may come. Throws `roaming_over` where none may. */
  async comes(): Promise<Comes> {
    const written = (await this.cabinet.get(this.at("comes"))) as { terminal: string; short: SealedSecret } | undefined;
    if (written === undefined) throw new TerminalError("roaming_over", "this terminal has no other one come");
    const wrapping = (await this.cabinet.get(this.at("wrapping"))) as CryptoKey;
    return { terminal: written.terminal, short: await this.opened([wrapping], written.short) };
  }

  /** None may come any more. */
  forgetComes(): Promise<void> {
    return this.cabinet.remove([this.at("comes")]);
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

/** The key that the device's lock gives: what it gave is overwritten. */
const locking = (given: Bytes): Promise<CryptoKey> => wiped(given, (key) => crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]));

/** What OPAQUE is given for a PIN, where the device's lock gave this: who has a copy elsewhere learns nothing of any attempt, since the PIN alone is not it. OPAQUE hides its length. */
export function passwordWith(given: Bytes): (pin: string) => string {
  const value = deriveFor("sceau/kr-lock", given, []);
  const text = base64url(value);
  value.fill(0);
  return (pin) => `${pin}.${text}`;
}

/** Overwrites secrets that were loaded. */
export const wipe = ({ current, pending }: Secrets): void => {
  current.fill(0);
  pending?.fill(0);
};
