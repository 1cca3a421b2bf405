// Reading foreign JSON: each field is asked for by name and kind, and what is missing is an error of the caller's choosing.
import { type Bytes, fromBase64url, fromHex, fromUtf8 } from "./bytes";
import { type ErrorCode, SceauError } from "./errors";

export class Fields {
  private constructor(
    private readonly value: Record<string, unknown>,
    private readonly code: ErrorCode,
  ) {}

  static parse(bytes: Uint8Array | string, code: ErrorCode): Fields {
    let value: unknown;
    try {
      value = JSON.parse(typeof bytes === "string" ? bytes : fromUtf8(bytes));
    } catch (cause) {
      throw new SceauError(code, "not JSON", { cause });
    }
    return Fields.of(value, code);
  }

  static of(value: unknown, code: ErrorCode): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SceauError(code, "not an object");
    return new Fields(value as Record<string, unknown>, code);
  }

  /** Refuses a name that is not in the list. */
  only(...names: string[]): this {
    const stranger = Object.keys(this.value).find((name) => !names.includes(name));
    if (stranger !== undefined) throw new SceauError(this.code, "an unknown field");
    return this;
  }
  /** Whether the name is there, if only with null. */
  holds(name: string): boolean {
    return this.value[name] !== undefined;
  }
  has(name: string): boolean {
    return this.value[name] !== undefined && this.value[name] !== null;
  }
  text(name: string): string {
    const value = this.value[name];
    if (typeof value !== "string") throw this.wrong(name);
    return value;
  }
  textOrNull(name: string): string | null {
    return this.has(name) ? this.text(name) : null;
  }
  /** False where it is left out. */
  flag(name: string): boolean {
    const value = this.value[name] ?? false;
    if (typeof value !== "boolean") throw this.wrong(name);
    return value;
  }
  /** A whole number that is not negative, however large: those beyond 2^53 are no longer exact. */
  whole(name: string): number {
    const value = this.value[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw this.wrong(name);
    return value;
  }
  integer(name: string): number {
    const value = this.whole(name);
    if (!Number.isSafeInteger(value)) throw this.wrong(name);
    return value;
  }
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = values.find((v) => v === this.value[name]);
    if (value === undefined) throw this.wrong(name);
    return value;
  }
  hash(name: string, length = 32): string {
    return this.checked(name, this.text(name), (text) => (fromHex(text, length), text));
  }
  bytes(name: string): Bytes {
    return this.checked(name, this.text(name), fromBase64url);
  }
  object(name: string): Fields {
    return Fields.of(this.value[name], this.code);
  }
  objectOrNull(name: string): Fields | null {
    return this.has(name) ? this.object(name) : null;
  }
  list(name: string): unknown[] {
    const value = this.value[name];
    if (!Array.isArray(value)) throw this.wrong(name);
    return value;
  }
  objects(name: string): Fields[] {
    return this.list(name).map((value) => Fields.of(value, this.code));
  }
  hashes(name: string): Bytes[] {
    return this.list(name).map((value) => this.checked(name, String(value), (text) => fromHex(text, 32)));
  }
  texts(): Record<string, string> {
    for (const name of Object.keys(this.value)) this.text(name);
    return { ...(this.value as Record<string, string>) };
  }
  entries(): [string, unknown][] {
    return Object.entries(this.value);
  }

  private checked<T>(name: string, text: string, read: (text: string) => T): T {
    try {
      return read(text);
    } catch (cause) {
      throw new SceauError(this.code, name, { cause });
    }
  }
  private wrong(name: string): SceauError {
    return new SceauError(this.code, name);
  }
}
