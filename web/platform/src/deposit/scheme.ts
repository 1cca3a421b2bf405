/** A scheme as it was published: its bytes are hashed as they came, and read once. */
import { fromBase64url, fromUtf8, hex, sha256 } from "@sceau/crypto";
import { api } from "../api";
import type { SchemeDraft } from "../api/types";

export interface PublishedScheme extends SchemeDraft {
  readonly id: string;
  readonly organisation: string;
  readonly organisationName: string;
  /** SHA-256 of the exact bytes, in hexadecimal: what the manifest says was answered. */
  readonly formHash: string;
}

export async function loadScheme(id: string): Promise<PublishedScheme> {
  const served = await api.scheme(id);
  const payload = fromBase64url(served.payload);
  const document = JSON.parse(fromUtf8(payload)) as SchemeDraft & { organisation: string };
  return { ...document, id, organisationName: served.organisation_name, formHash: hex(await sha256(payload)) };
}
