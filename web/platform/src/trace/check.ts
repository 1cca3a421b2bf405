/** Whether a proof shows what the page says it shows: the record is in the log, and it is that record. */
import { fromBase64url, fromUtf8, hex, SceauError, sha256, type TraceRecord, type VerifiedRecord, verifyEvidence } from "@sceau/crypto";
import { api } from "../api";
import { call, Problem } from "../api/http";
import type { Decision, Dossier, Evidence, TimelineEntry, Verdict } from "../api/types";
import { logKey } from "../trust";

/** Whose lines they are. */
export type Of = Pick<Dossier, "id" | "organisation">;

/** A timeline line checked against its evidence. What is shown afterwards comes from the record, not from the line. */
export async function checkLine(dossier: Of, line: TimelineEntry): Promise<{ evidence: Evidence; record: TraceRecord }> {
  const evidence = await api.dossierEvidence(dossier.id, line.index);
  const { record, index } = await verifyEvidence(evidence, await logKey());
  if (index !== line.index || record.outcome !== line.outcome || !tells(record, line, dossier)) throw new SceauError("evidence.wrong_subject");
  return { evidence, record };
}

/** The rows whose attestation is a line of the timeline: the log then names the row, and the line says what became of it. */
const attestedBy: Record<string, string> = { "deposit.begin": "dossier", "deposit.complete": "manifest", decision: "decision" };

function tells(record: TraceRecord, line: TimelineEntry, dossier: Of): boolean {
  // A line that names the organisation is a record of that organisation; none is of another.
  if (record.organisation === null ? line.organisation_name !== null : record.organisation !== dossier.organisation) return false;
  const kind = attestedBy[line.action];
  if (kind !== undefined && record.attested) return record.attested.kind === kind && record.attested.id === dossier.id;
  const about = record.subjects.some((subject) => subject.kind === "dossier" && subject.id === dossier.id);
  return about && record.action === line.action && record.actor.kind === line.actor_role;
}

/** On whose word the log holds the manifest of a dossier: the depositor's passkey, or the platform alone. Null without a line that says so. */
export async function manifestAsserted(dossier: Dossier): Promise<"passkey" | "platform" | null> {
  const line = lastSent(dossier);
  if (!line) return null;
  const { record } = await checkLine(dossier, line);
  return record.attested?.kind === "manifest" && record.asserted === "passkey" ? "passkey" : "platform";
}

/** What the organisation decided, read from the bytes that its key manager signed and the log attests: never from the platform's summary. */
export interface ProvenDecision { readonly decision: Verdict; readonly reason: string; readonly role: string; readonly time: number }

/** It must be about what had been sent when it was taken: its record comes after that manifest's, and before any later one's. */
export async function checkDecision(dossier: Dossier, offered: Decision): Promise<ProvenDecision> {
  const { record, index } = await verifyEvidence(await api.dossierEvidence(dossier.id, offered.index), await logKey());
  const payload = fromBase64url(offered.payload);
  const attested = record.attested;
  const logged =
    index === offered.index && record.outcome === "granted" && record.asserted === "organisation" &&
    record.organisation === dossier.organisation && attested?.kind === "decision" && attested.id === dossier.id && attested.hash === hex(await sha256(payload));
  const said = JSON.parse(fromUtf8(payload)) as ProvenDecision & { dossier: string; manifest_hash: string };
  const about = said.dossier === dossier.id && said.manifest_hash === (await manifestBefore(dossier, index));
  if (!logged || !about) throw new SceauError("evidence.wrong_subject");
  return said;
}

/** The hash of the manifest that stood when entry `index` was written, on the log's word. */
async function manifestBefore(dossier: Dossier, index: number): Promise<string | undefined> {
  const line = lastSent(dossier, index);
  const attested = line && (await checkLine(dossier, line)).record.attested;
  return attested?.kind === "manifest" ? attested.hash : undefined;
}

const lastSent = ({ timeline }: Dossier, before = Infinity): TimelineEntry | undefined =>
  timeline.filter(({ action, outcome, index }) => action === "deposit.complete" && outcome === "granted" && index < before).at(-1);

/** An evidence file that somebody hands over. */
export async function checkFile(text: string): Promise<VerifiedRecord> {
  return verifyEvidence(text, await logKey());
}

/** The policy of witnesses that the platform announces, as text: its own word. Null where it has none. */
export const platformsPolicy = (): Promise<string | null> => announced("/trace/policy");

/** The authorities (PEM) that it announces for the time stamps of its checkpoints: its own word too. */
export const platformsStampAnchors = (): Promise<string | null> => announced("/trace/stamp-anchors");

async function announced(path: string): Promise<string | null> {
  try {
    return await (await call("GET", path)).text();
  } catch (cause) {
    if (cause instanceof Problem) return null; // what the reader gives is judged all the same
    throw cause;
  }
}
