// PINs by OPAQUE (RFC 9807), a terminal's side: the PIN is stretched by Argon2id, blinded, and never leaves. The library is opaque-ke, as the element's, in WebAssembly:
// ristretto255, SHA-512 and triple Diffie-Hellman, no context; names and stretching are ours to say, and are those of crates/keyring/src/opaque.
import { client, ready } from "@serenity-kit/opaque";
import { type Bytes, fromBase64url, base64url } from "./bytes";
import { TerminalError, unproven } from "./errors";

/** Argon2id of 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106 section 4. */
export const STRETCHING = { "argon2id-custom": { memory: 64 * 1024, iterations: 3, parallelism: 4 } } as const;

/** What OPAQUE binds a PIN to. */
export interface Names {
  readonly client: string;
  readonly server: string;
}

/** Those of a terminal of a keyring, at the element of this log. */
export const namesOf = (keyring: string, terminal: string, origin: string): Names => ({ client: `${keyring}/${terminal}`, server: origin });

/** A PIN's rule. */
export interface PinRule {
  readonly least: number;
  readonly most: number;
}

/** Why a PIN may not be chosen under this rule; none where it may. Nobody but the terminal can ask. */
export function pinRefused(pin: string, rule: PinRule): "digits" | "length" | "obvious" | null {
  if (!/^[0-9]+$/.test(pin)) return "digits";
  if (pin.length < rule.least || pin.length > rule.most) return "length";
  const step = (by: number): boolean => Array.from(pin).slice(1).every((digit, at) => Number(digit) - Number(pin[at]) === by);
  return [0, 1, -1].some(step) ? "obvious" : null;
}

/** Digits that no holder chose. */
export const throwaway = (): string => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => String(byte % 10)).join("");

export interface Registering {
  readonly state: string;
  /** RegistrationRequest, 32 bytes. */
  readonly request: Bytes;
}

export async function register(pin: string): Promise<Registering> {
  await ready;
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password: pin });
  return { state: clientRegistrationState, request: sized(registrationRequest, 32) };
}

/** Ends a registration: the record of 192 bytes, and the export key of 64. It takes the time of the stretching: call it by stretching.ts. Throws `unproven`. */
export function registered(pin: string, begun: Registering, response: Bytes, names: Names): { upload: Bytes; exported: Bytes } {
  try {
    const { registrationRecord, exportKey } = client.finishRegistration({
      password: pin,
      clientRegistrationState: begun.state,
      registrationResponse: base64url(response),
      identifiers: names,
      keyStretching: STRETCHING,
    });
    return { upload: sized(registrationRecord, 192), exported: sized(exportKey, 64) };
  } catch (cause) {
    throw cause instanceof TerminalError ? cause : unproven("the element's answer to the PIN cannot be read");
  }
}

export interface LoggingIn {
  readonly state: string;
  /** KE1, 96 bytes. */
  readonly ke1: Bytes;
}

export async function login(pin: string): Promise<LoggingIn> {
  await ready;
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: pin });
  return { state: clientLoginState, ke1: sized(startLoginRequest, 96) };
}

export interface ProvenPin {
  /** KE3, 64 bytes. */
  readonly ke3: Bytes;
  readonly session: Bytes;
  readonly exported: Bytes;
}

/**
 * Judges KE2 (320 bytes). Null where the PIN is wrong, or the element is another: one answer, so that it is no oracle. What breaks down (no memory, say) is neither, and is
 * told to nobody as a wrong PIN: three of those block. As {@link registered}. Throws `opaque_failed`.
 */
export function loggedIn(pin: string, begun: LoggingIn, ke2: Bytes, names: Names): ProvenPin | null {
  let proven: ReturnType<typeof client.finishLogin>;
  try {
    proven = client.finishLogin({
      password: pin,
      clientLoginState: begun.state,
      loginResponse: base64url(ke2),
      identifiers: names,
      keyStretching: STRETCHING,
    });
  } catch (cause) {
    throw new TerminalError("opaque_failed", "the PIN could not be judged", "terminal", { cause });
  }
  return proven ? { ke3: sized(proven.finishLoginRequest, 64), session: sized(proven.sessionKey, 64), exported: sized(proven.exportKey, 64) } : null;
}

function sized(text: string, length: number): Bytes {
  const bytes = fromBase64url(text);
  if (bytes.length !== length) throw new TerminalError("opaque_malformed", "the PIN's library answers in another format");
  return bytes;
}
