// Reading foreign JSON: each field is asked for by name and kind, and what is missing is an error of the caller's choosing.
import { type Bytes, fromHex, fromUtf8 } from "./bytes";
import { type ErrorCode, SceauError } from "./errors";

export class Fields {
  private constructor(
    private readonly value: Record<string, unknown>,
    private readonly code: ErrorCode,
  ) {}

  static parse(bytes: Uint8Array | string, code: ErrorCode): Fields {
    try {
      return Fields.of(JSON.parse(typeof bytes === "string" ? bytes : fromUtf8(bytes)), code);
    } catch (cause) {
      throw new SceauError(code, "not JSON", { cause });
    }
  }

  static of(value: unknown, code: ErrorCode): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SceauError(code, "not an object");
    return new Fields(value as Record<string, unknown>, code);
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
  integer(name: string): number {
    const value = this.value[name];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw this.wrong(name);
    return value;
  }
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = values.find((v) => v === this.value[name]);
    if (value === undefined) throw this.wrong(name);
    return value;
  }
  hash(name: string, length = 32): string {
    const value = this.text(name);
    fromHex(value, length);
    return value;
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
    return this.list(name).map((value) => {
      if (typeof value !== "string") throw this.wrong(name);
      return fromHex(value, 32);
    });
  }
  entries(): [string, unknown][] {
    return Object.entries(this.value);
  }
  private wrong(name: string): SceauError {
    return new SceauError(this.code, name);
  }
}
