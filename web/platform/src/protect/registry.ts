/** Applications as the log has them. What the next version is made from is verified first: a platform that slipped a key of its own into the version
 * before would else have it signed along. */
import { base64url, fromBase64url, fromUtf8, hex, publicKeyOf, provePasskey, SceauError, sha256, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import type { ApplicationListed, RowVersion } from "../api/types";
import { logKey } from "../trust";
import { type ApplicationDocument, type ApplicationKey, bytesOf } from "./application";

/** A key, and the fingerprint that people compare. */
export interface ShownKey extends ApplicationKey { readonly fingerprint: string }

export interface VerifiedApplication {
  readonly document: ApplicationDocument;
  readonly keys: readonly ShownKey[];
  readonly version: RowVersion;
  readonly index: number;
}

/** The document whose hash the log holds, in the word of an administrator's passkey. Throws where the log does not hold it. */
export async function verifiedApplication(listed: ApplicationListed, organisation: string): Promise<VerifiedApplication> {
  const payload = fromBase64url(listed.payload);
  const { record, index } = await verifyEvidence(await api.traceEvidence(listed.index), await logKey());
  const { asserted, attested, outcome } = record;
  const hash = hex(await sha256(payload));
  const logged =
    index === listed.index && outcome === "granted" && asserted === "passkey" && record.organisation === organisation &&
    attested?.kind === "application" && attested.id === listed.application && attested.hash === hash;
  const document = JSON.parse(fromUtf8(payload)) as ApplicationDocument;
  if (!logged || document.application !== listed.application || document.organisation !== organisation) throw new SceauError("evidence.wrong_subject");
  const keys = await Promise.all(document.keys.map(async (key) => ({ ...key, fingerprint: (await publicKeyOf({ ...key.jwk })).fingerprint })));
  return { document, keys, version: { version: attested.version, hash }, index };
}

/** Has the administrator sign a version, and the element attest it. `previous`: the version that it replaces, none of a new application. */
export async function register(document: ApplicationDocument, previous: RowVersion | null): Promise<void> {
  const payload = bytesOf(document);
  const { nonce } = await api.elementNonce();
  const proof = await provePasskey({ kind: "application", payload, nonce });
  await api.applicationRegister({ payload: base64url(payload), previous, proof });
}

/** What the platform says that an application is called: enough to tell them apart in a list, and believed for nothing else. */
export function nameOf(listed: ApplicationListed): { id: string; name: string } {
  const { application, name } = JSON.parse(fromUtf8(fromBase64url(listed.payload))) as ApplicationDocument;
  return { id: application, name };
}
