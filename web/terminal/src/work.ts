// What takes a second or two: Argon2id over a PIN or a code (64 MiB, three passes). It is called by stretching.ts, which has it done where it holds no page up.
import { argon2id } from "@noble/hashes/argon2.js";
import { ready } from "@serenity-kit/opaque";
import type { Bytes } from "./bytes";
import { loggedIn, registered, STRETCHING } from "./opaque";

const { memory, iterations, parallelism } = STRETCHING["argon2id-custom"];
/** Room for the memory that it is asked to use, and not for more. */
const ROOM = (memory + 1024) * 1024;

/** 8 bytes of a secret, stretched as a PIN is (RFC 9106), with a salt of zeros: what is stretched is a secret of its own each time. */
const stretched = (secret: Bytes): Bytes => argon2id(secret, new Uint8Array(16), { m: memory, t: iterations, p: parallelism, dkLen: 8, maxmem: ROOM });

const after = <A extends unknown[], R>(work: (...args: A) => R) => async (...args: A): Promise<R> => {
  await ready;
  return work(...args);
};

export const work = { registered: after(registered), loggedIn: after(loggedIn), stretched: after(stretched) };
export type Work = typeof work;
