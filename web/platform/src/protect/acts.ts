/** Acts of administrators and data officers on data of their organisation: made here, byte for byte, and believed once the log bears them out. docs/protected-data.md. */
import { base64url, type Bytes, fromBase64url, fromUtf8, provePasskey, SceauError, utf8 } from "@sceau/crypto";
import { api } from "../api";
import type { ActListed, RowVersion } from "../api/types";
import { attestedAs } from "./proof";

export type Does = "hold" | "release" | "erase";

export interface ActDocument {
  readonly v: 1;
  readonly act: string;
  readonly organisation: string;
  readonly does: Does;
  readonly data: readonly string[];
  readonly reason: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** The account of whoever signs the first version. */
  readonly by: string;
  readonly decision?: { readonly is: "approved" | "withdrawn"; readonly by: string; readonly time: number; readonly request: string };
}

/** Data of one act. */
export const MOST = 100;

/** Why a reason will not do: there is none, it is too long, or has more than one line or characters that are not seen. */
export function isReason(reason: string): boolean {
  return reason !== "" && Array.from(reason).length <= 500 && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(reason);
}

export const actOn = (does: Does, data: readonly string[], reason: string, who: { organisation: string; account: string }, time: number): ActDocument => ({
  v: 1, act: crypto.randomUUID(), organisation: who.organisation, does, data, reason, time, by: who.account,
});

/** The last version of a request: the same, and what becomes of it. */
export const decided = (request: VerifiedAct, is: "approved" | "withdrawn", account: string, time: number): ActDocument => ({
  ...request.document, decision: { is, by: account, time, request: request.version.hash },
});

export const bytesOf = (document: ActDocument): Bytes => utf8(JSON.stringify(document));

export interface VerifiedAct {
  readonly document: ActDocument;
  readonly version: RowVersion;
  readonly index: number;
}

/** What acts of before called it. */
const BEFORE: Readonly<Partial<Record<string, Does>>> = { deactivate: "hold", activate: "release" };

/** An act in the words of today: one of before is shown so. */
export const ofToday = (said: ActDocument): ActDocument => ({ ...said, does: BEFORE[said.does] ?? said.does });

/** The act whose hash the log holds, in the word of a passkey. Throws where the log does not hold it: what is approved is made from it. */
export async function verifiedAct(listed: ActListed, organisation: string): Promise<VerifiedAct> {
  const { version } = listed.version;
  const { asserted, hash } = await attestedAs("protect-act", { payload: listed.payload, version, index: listed.index }, organisation);
  const document = ofToday(JSON.parse(fromUtf8(fromBase64url(listed.payload))) as ActDocument);
  const is = asserted === "passkey" && document.act === listed.act && document.organisation === organisation;
  if (!is) throw new SceauError("evidence.wrong_subject");
  return { document, version: { version, hash }, index: listed.index };
}

/** Has an administrator or data officer sign an act, and the element attest it. `previous`: the request that is decided, none of a new act. */
export async function sign(document: ActDocument, previous: RowVersion | null): Promise<void> {
  const payload = bytesOf(document);
  const { nonce } = await api.elementNonce();
  const proof = await provePasskey({ kind: "protect-act", payload, nonce });
  await api.act({ payload: base64url(payload), previous, proof });
}
