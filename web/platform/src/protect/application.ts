/** Documents of applications, as an administrator's passkey signs them: made here, byte for byte, from what was verified and what was asked. No I/O. */
import { type Bytes, type PublicJwk, type SigningAlgorithm, utf8 } from "@sceau/crypto";
import type { UserProvider } from "./provider";

export interface ApplicationKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly jwk: PublicJwk;
  readonly status: "active" | "ended";
}

/** docs/protect-a-field.md, *Register your application*. */
export interface ApplicationDocument {
  readonly v: 1;
  readonly application: string;
  readonly organisation: string;
  readonly name: string;
  readonly keys: readonly ApplicationKey[];
  readonly status: "active" | "inactive";
  /** Who proves its users; none where it asserts them. */
  readonly provider?: UserProvider;
}

export type NewKey = Pick<ApplicationKey, "kid" | "alg" | "jwk">;

/** Keys of one application, the ended ones among them. */
const MOST_KEYS = 64;

export const registered = (organisation: string, name: string, key: NewKey): ApplicationDocument => ({
  v: 1, application: crypto.randomUUID(), organisation, name, keys: [active(key)], status: "active",
});

export const withKey = (document: ApplicationDocument, key: NewKey): ApplicationDocument => ({ ...document, keys: [...document.keys, active(key)] });

export const withEnded = (document: ApplicationDocument, kid: string): ApplicationDocument => ({
  ...document, keys: document.keys.map((key) => (key.kid === kid ? { ...key, status: "ended" } : key)),
});

export const withStatus = (document: ApplicationDocument, status: ApplicationDocument["status"]): ApplicationDocument => ({ ...document, status });

export const bytesOf = (document: ApplicationDocument): Bytes => utf8(JSON.stringify(document));

/** Why a name cannot be a new key's: it is none, or names a key already. */
export function faultOfKid(kid: string, document: ApplicationDocument | undefined): "kind" | "taken" | "" {
  // A record shows it, so that what looks like a network address is no name.
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(kid) || /^\d{1,3}(\.\d{1,3}){3}$/.test(kid)) return "kind";
  return document?.keys.some((key) => key.kid === kid) ? "taken" : "";
}

/** Whether there is room for another key: none is ever forgotten. */
export const hasRoom = (document: ApplicationDocument): boolean => document.keys.length < MOST_KEYS;

function active({ kid, alg, jwk }: NewKey): ApplicationKey {
  return { kid, alg, jwk, status: "active" };
}
