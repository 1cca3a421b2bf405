// The channel from a terminal to the element, over whatever carries it: a key that is wrapped for the element alone, one message at a time. Rules of crates/keyring/src/channel.rs.
import { keyIdHex, wrap } from "@sceau/crypto";
import { open, seal } from "./blob";
import { base64url, type Bytes, concat, fromBase64url, fromUtf8, same, u64, utf8 } from "./bytes";
import { TerminalError } from "./errors";
import { deriveFor, hashOf } from "./labels";

/** What a context is begun with, as the host hands it on. */
export interface ContextOffer {
  readonly id: string;
  readonly nonce: string;
  readonly channel: string;
}

/** The context of a nonce: the first 16 bytes of its hash. */
export const contextOf = (nonce: Bytes): Bytes => hashOf("sceau/kr-context", nonce).slice(0, 16);

/** What a context's key is wrapped for: one nonce, and no other. */
export const fileOf = (context: Bytes, nonce: Bytes): Bytes => hashOf("sceau/kr-context", context, nonce).slice(0, 16);

/** The keys of one context, one for each direction. */
export class Channel {
  private constructor(
    /** The context, 16 bytes. */
    readonly id: Bytes,
    private readonly up: Bytes,
    private readonly down: Bytes,
  ) {}

  static of(context: Bytes, key: Bytes): Channel {
    return new Channel(context, deriveFor("sceau/kr-up", key, [context]), deriveFor("sceau/kr-down", key, [context]));
  }

  /**
   * Begins the channel of an offer with the element of the pinned key, and with no other: its key, and what the first message brings.
   * Throws `channel_offer`, `channel_key` or `channel_other_element`.
   */
  static async begin(offer: ContextOffer, pinned: string): Promise<{ channel: Channel; wrapped: Bytes; nonce: Bytes }> {
    const nonce = fromBase64url(offer.nonce);
    const id = contextOf(nonce);
    if (nonce.length !== 32 || !same(fromBase64url(offer.id), id)) {
      throw new TerminalError("channel_offer", "the context that was offered is not one: who carries it altered it");
    }
    const key = { suite: "HPKE-X-Wing", publicKey: fromBase64url(offer.channel) } as const;
    if (key.publicKey.length !== 1216) throw new TerminalError("channel_key", "the element's channel key cannot be read");
    if ((await keyIdHex(key)) !== pinned) {
      throw new TerminalError("channel_other_element", "this is not the element that was pinned: somebody stands in between, or the element was replaced");
    }
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const { wrapped } = await wrap(key, fileOf(id, nonce), secret);
    const channel = Channel.of(id, secret);
    secret.fill(0);
    return { channel, wrapped, nonce };
  }

  /** Seals the signed message of this number. */
  async sealUp(seq: number, jws: string): Promise<string> {
    return base64url(await seal(this.up, "sceau/kr-message", this.place("U", seq), utf8(jws)));
  }

  /** Opens the answer of this number: the exact JSON. */
  async openDown(seq: number, sealed: string): Promise<string> {
    return fromUtf8(await open(this.down, "sceau/kr-message", this.place("D", seq), fromBase64url(sealed)));
  }

  /** Overwrites its keys. */
  end(): void {
    this.up.fill(0);
    this.down.fill(0);
  }

  /** Context, direction and number: a message moved to another place does not open. */
  private place(direction: "U" | "D", seq: number): Bytes {
    return concat(this.id, utf8(direction), u64(seq));
  }
}
