// What a holder asks of their own keyring, on a terminal: signed by the terminal, and by no provider. Rules of crates/client/src/terminal/own.rs.
import { hex, now, utf8 } from "./bytes";
import type { Policy } from "./documents";
import { type DeviceKey, signJws } from "./jws";
import type { Asked, Request } from "./request";

/** How long the holder has to read and type, in ms. */
const LASTS = 300_000;

/** What is asked. */
export interface OwnAsk {
  readonly kind: "roam" | "join" | "dissociate" | "destroy";
  /** In words, which the proof of it has the hash of. */
  readonly words: string;
  /** Which terminal is taken off, where one is. */
  readonly terminal?: string;
}

/** Who asks. */
export interface Asker {
  readonly kept: { readonly keyring: string; readonly origin: string };
  readonly policy: Policy;
  readonly device: DeviceKey;
}

/** What the holder asks of their own keyring, signed by the terminal. */
export async function ownAsked({ kept, policy, device }: Asker, { kind, words, terminal }: OwnAsk): Promise<Asked> {
  const time = now();
  const request: Request = {
    request: crypto.randomUUID(),
    provider: kept.keyring,
    keyring: kept.keyring,
    kind,
    description: words,
    items: [],
    algorithm: null,
    aud: kept.origin,
    time,
    ends: time + LASTS,
    nonce: null,
    terminal: terminal ?? null,
  };
  const { request: id, provider, keyring, description, aud, ends } = request;
  const written = { v: 1, request: id, provider, keyring, kind, description, items: [], hash: "SHA-256", aud, time, ends, ...(terminal === undefined ? {} : { terminal }) };
  const jws = await signJws("sceau-kr-request", device, utf8(JSON.stringify(written)));
  return { provider: policy.name, request, jws, told: [], key: hex(device.thumbprint) };
}
