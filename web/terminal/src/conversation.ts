// A context from the side of who begins it: numbers, signatures, seals, and repetitions of the same bytes where the way breaks. Rules of crates/client/src/keyring/conversation.rs.
import { Fields } from "@sceau/crypto";
import { base64url, type Bytes, now, utf8 } from "./bytes";
import { Channel } from "./channel";
import { TerminalError, unproven } from "./errors";
import { type Carrier, HostError } from "./host";
import { type DeviceKey, signJws } from "./jws";

/** Milliseconds before each repetition of a message whose answer did not come. */
const REPEATED_AFTER = [0, 1000, 2000, 4000, 8000, 15_000, 30_000];
/** What the element says in clear, before there is a context, and what stands in front of it says of itself. No other refusal that comes unsealed is believed. */
const IN_CLEAR = ["busy", "unavailable", "context_unknown", "too_large", "not_a_sceau_server", "unreachable"];

/** Which element, pinned by the invitation. */
export interface Element {
  /** The name of its log. */
  readonly origin: string;
  /** The id of its channel key, hexadecimal. */
  readonly channel: string;
}

/** What the element answers: `is` says which. */
export interface Answer {
  readonly is: string;
  readonly fields: Fields;
}

export class Conversation {
  #seq = 0;

  private constructor(
    private readonly carrier: Carrier,
    private readonly element: Element,
    private readonly channel: Channel,
    private readonly first: { nonce: string; wrapped: string },
    /** The context's nonce, which consents name. */
    readonly nonce: Bytes,
    private readonly image: string | null,
  ) {}

  /** Begins one with this element and no other; as a bound terminal it says in which environment it is. */
  static async open(carrier: Carrier, element: Element, image: string | null = null): Promise<Conversation> {
    const offer = fields(await carrier.post("/v1/keyrings/contexts", {}).catch(inClear));
    const given = { id: offer.text("id"), nonce: offer.text("nonce"), channel: offer.text("channel") };
    const { channel, wrapped, nonce } = await Channel.begin(given, element.channel);
    return new Conversation(carrier, element, channel, { nonce: given.nonce, wrapped: base64url(wrapped) }, nonce, image);
  }

  /** The context, 16 bytes. */
  get context(): Bytes {
    return this.channel.id;
  }

  /** Asks, and gives the answer of this kind; a refusal of the element is thrown with its code. */
  async ask(signer: DeviceKey, ask: object, expected: string): Promise<Fields> {
    const answer = await this.hear(signer, ask);
    if (answer.is === "refused") throw refusalOf(answer);
    if (answer.is !== expected) throw unproven("the element answered something else");
    return answer.fields;
  }

  /** The same, where it matters who refuses: an answer is the element's own word, sealed. */
  async hear(signer: DeviceKey, ask: object): Promise<Answer> {
    this.#seq += 1;
    const seq = this.#seq;
    const context = base64url(this.channel.id);
    const message = {
      v: 1,
      aud: this.element.origin,
      channel: this.element.channel,
      context,
      seq,
      time: now(),
      ...(this.image === null ? {} : { image: this.image }),
      ask,
    };
    const jws = await signJws("sceau-kr-message", signer, utf8(JSON.stringify(message)));
    const sealed = await this.channel.sealUp(seq, jws);
    const carried = fields(await this.carried({ context, seq, ...(seq === 1 ? { first: this.first } : {}), sealed }).catch(inClear));
    const answer = fields(JSON.parse(await this.channel.openDown(seq, carried.text("sealed"))));
    return { is: answer.text("is"), fields: answer };
  }

  /** No other message is sent in it. */
  end(): void {
    this.channel.end();
  }

  /** Has the message carried. What it does may be done already: as long as the element has the answer, that is asked for. */
  private async carried(message: object): Promise<unknown> {
    for (const wait of REPEATED_AFTER) {
      try {
        return await this.carrier.post("/v1/keyrings/messages", message);
      } catch (error) {
        if (!(error instanceof HostError) || !error.isPassing) throw error;
        await this.carrier.pause(wait);
      }
    }
    return this.carrier.post("/v1/keyrings/messages", message);
  }
}

const fields = (value: unknown): Fields => Fields.of(value, "keyring_malformed");

/** The element's own refusal. */
export const refusalOf = (answer: Answer): TerminalError => new TerminalError(answer.fields.text("code"), answer.fields.text("detail"), "element");

/** What came unsealed is the word of who carries, whatever it claims. */
function inClear(error: unknown): never {
  if (!(error instanceof HostError) || IN_CLEAR.includes(error.code)) throw error;
  throw new TerminalError("unproven", `whoever carries the messages refused, not the element, and says: ${error.detail} (${error.code})`, "host");
}
