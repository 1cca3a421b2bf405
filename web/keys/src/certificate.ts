import { get, type CertificateRole, type WhoAmI } from "./api";

/** What the page may do for whoever is in front of it. The server judges again at each request; this only chooses what to show. */
export type Standing =
  | { is: "welcome"; who: WhoAmI }
  | { is: "no-certificate" }
  | { is: "refused"; subject: string; code: string }
  | { is: "other-role"; subject: string }
  | { is: "not-bound"; subject: string; fingerprint: string };

export async function standing(needed: CertificateRole): Promise<Standing> {
  const who = await get<WhoAmI>("/v1/whoami");
  const { certificate, account, refusal } = who;
  if (!certificate) return { is: "no-certificate" };
  if (refusal) return { is: "refused", subject: certificate.subject, code: refusal };
  if (certificate.role !== needed) return { is: "other-role", subject: certificate.subject };
  if (needed === "case-officer" && !account) {
    return { is: "not-bound", subject: certificate.subject, fingerprint: certificate.fingerprint };
  }
  return { is: "welcome", who };
}
