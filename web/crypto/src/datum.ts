// The recipient suite `datum` (docs/envelope.md): the content key is a datum's data key, and only the element opens what wraps it.
import type { Bytes } from "./bytes";
import { SceauError } from "./errors";
import { MAX_WRAPPED, type Stanza } from "./header";

const SUITE = 0x0003;

export interface OfDatum {
  readonly datum: Bytes; // 32 bytes
  readonly wrapped: Bytes; // `wrapped_key` of the element's answer
}

export function datumStanza({ datum, wrapped }: OfDatum): Stanza {
  if (datum.length !== 32 || wrapped.length < 1 || wrapped.length > MAX_WRAPPED) throw new SceauError("key_malformed", "datum");
  return { suite: SUITE, keyId: datum, wrapped };
}

/** The datum under whose key a file is, if it is under one. */
export function datumOf(header: { readonly stanzas: readonly Stanza[] }): OfDatum | undefined {
  const stanza = header.stanzas.find(({ suite }) => suite === SUITE);
  return stanza && { datum: stanza.keyId, wrapped: stanza.wrapped };
}
