// The key derivation of ECDH-ES (RFC 7518 section 4.6.2): Concat KDF of NIST SP 800-56A with SHA-256, for keys of at most one hash.
import { type Bytes, concat, sha256, u32, utf8 } from "@sceau/crypto/envelope";

export interface Derivation {
  /** `Z`, what both sides agreed on; it is overwritten. */
  readonly shared: Bytes;
  readonly algorithm: string;
  readonly partyU: Bytes;
  readonly partyV: Bytes;
  /** Length of the key in bytes, at most 32. */
  readonly length: number;
}

export async function concatKdf({ shared, algorithm, partyU, partyV, length }: Derivation): Promise<Bytes> {
  const prefixed = (bytes: Bytes): Bytes => concat(u32(bytes.length), bytes);
  const input = concat(u32(1), shared, prefixed(utf8(algorithm)), prefixed(partyU), prefixed(partyV), u32(length * 8));
  shared.fill(0);
  const hash = await sha256(input);
  input.fill(0);
  return hash.slice(0, length);
}
