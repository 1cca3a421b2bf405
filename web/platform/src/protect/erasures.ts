/** Certificates of erasure, as the log bears them out. */
import { SceauError, type VerifiedErasure, verifyErasure } from "@sceau/crypto";
import { api } from "../api";
import type { Certificate } from "../api/types";
import { logKey } from "../trust";

/** How far an erasure has come: its key is gone; is to go by a day that is to come; is still there after it; is to go some day. */
export type Standing = "destroyed" | "due" | "overdue" | "undated";

export function standingOf({ destroyed, due }: Pick<VerifiedErasure, "destroyed" | "due">, now: number): Standing {
  if (destroyed !== null) return "destroyed";
  if (due === null) return "undated";
  return now < due ? "due" : "overdue";
}

/** A datum's certificate, verified. Throws where the log does not bear it out, or it is of another datum or organisation. */
export async function certificateOf(datum: string, organisation: string): Promise<{ file: Certificate; said: VerifiedErasure }> {
  const file = await api.erasure(datum);
  const said = await verifyErasure(file, await logKey());
  if (said.datum !== datum || said.organisation !== organisation) throw new SceauError("evidence.wrong_subject");
  return { file, said };
}
