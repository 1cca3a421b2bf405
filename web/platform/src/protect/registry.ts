/** Applications as the log has them. What the next version is made from is verified first: a platform that slipped a key of its own into the version
 * before would else have it signed along. */
import { base64url, fromBase64url, fromUtf8, publicKeyOf, provePasskey, SceauError } from "@sceau/crypto";
import { api } from "../api";
import type { ApplicationListed, RowVersion } from "../api/types";
import { type ApplicationDocument, type ApplicationKey, bytesOf } from "./application";
import { attestedAs } from "./proof";

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
  const { version } = listed.version;
  const { asserted, id, hash } = await attestedAs("application", { ...listed, version }, organisation);
  const document = documentOf(listed);
  const is = asserted === "passkey" && id === listed.application && document.application === id && document.organisation === organisation;
  if (!is) throw new SceauError("evidence.wrong_subject");
  const keys = await Promise.all(document.keys.map(async (key) => ({ ...key, fingerprint: (await publicKeyOf({ ...key.jwk })).fingerprint })));
  return { document, keys, version: { version, hash }, index: listed.index };
}

/** Has the administrator sign a version, and the element attest it. `previous`: the version that it replaces, none of a new application. */
export async function register(document: ApplicationDocument, previous: RowVersion | null): Promise<void> {
  const payload = bytesOf(document);
  const { nonce } = await api.elementNonce();
  const proof = await provePasskey({ kind: "application", payload, nonce });
  await api.applicationRegister({ payload: base64url(payload), previous, proof });
}

/** What the platform says that an application is called: enough to tell them apart in a list, and believed for nothing else. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Of all applications; of none where the platform does not say. */
export async function namesOfApplications(): Promise<readonly Named[]> {
  try {
    return (await api.applications()).map(documentOf).map(({ application, name }) => ({ id: application, name }));
  } catch {
    return [];
  }
}

/** Of those that the log bears out, by the names that it has: for what is signed about them. */
export async function provenNames(organisation: string): Promise<readonly Named[]> {
  const all = await Promise.allSettled((await api.applications()).map((one) => verifiedApplication(one, organisation)));
  return all.flatMap((one) => (one.status === "fulfilled" ? [{ id: one.value.document.application, name: one.value.document.name }] : []));
}

/** An application's name, or its id where that is all that is known. */
export const nameIn = (names: readonly Named[], id: string): string => names.find((one) => one.id === id)?.name ?? id;

function documentOf(listed: ApplicationListed): ApplicationDocument {
  return JSON.parse(fromUtf8(fromBase64url(listed.payload))) as ApplicationDocument;
}
