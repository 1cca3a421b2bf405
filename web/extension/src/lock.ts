// The device's own lock (fingerprint, face, the device's PIN), by WebAuthn: a credential that the device's authenticator keeps, and a value that it gives for it once it
// knows its holder (PRF extension, WebAuthn level 3 section 10.1.4). Nothing is registered anywhere: no server sees the credential, and no finger leaves the device.
import { type Bytes, type Lock, TerminalError } from "@sceau/terminal";

/** What the value is asked of the credential with: it gives one for each. */
const SALT = new TextEncoder().encode("sceau terminal: its secret, v1  ");
const PRF = { prf: { eval: { first: SALT } } };

/** Whether this browser can ask the device for it; an older one cannot say, and is taken at its word when it fails. */
export async function isThere(): Promise<boolean> {
  if (typeof PublicKeyCredential === "undefined") return false;
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
}

export const lock: Lock = {
  async make() {
    const made = (await asked(() =>
      navigator.credentials.create({
        publicKey: {
          rp: { name: "Sceau" },
          user: { id: drawn(16), name: "Sceau", displayName: "Sceau" },
          challenge: drawn(32),
          pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
          authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required", residentKey: "discouraged" },
          extensions: PRF,
        },
      }),
    )) as PublicKeyCredential;
    if (made.getClientExtensionResults().prf?.enabled !== true) throw new TerminalError("terminal_locked", "the lock of this device gives no key");
    return new Uint8Array(made.rawId);
  },

  async open(credential) {
    const known = (await asked(() =>
      navigator.credentials.get({
        publicKey: { challenge: drawn(32), allowCredentials: [{ type: "public-key", id: credential }], userVerification: "required", extensions: PRF },
      }),
    )) as PublicKeyCredential;
    const first = known.getClientExtensionResults().prf?.results?.first;
    if (!(first instanceof ArrayBuffer) || first.byteLength !== 32) throw new TerminalError("terminal_locked", "the lock of this device gives no key");
    return new Uint8Array(first);
  },
};

const drawn = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

async function asked(ask: () => Promise<Credential | null>): Promise<Credential> {
  try {
    const credential = await ask();
    if (credential !== null) return credential;
  } catch (cause) {
    throw new TerminalError("terminal_locked", cause instanceof Error ? cause.message : "", "terminal", { cause });
  }
  throw new TerminalError("terminal_locked");
}
