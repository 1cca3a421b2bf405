/** Whether a proof shows what the page says it shows: the record is in the log, and it is that record. */
import { type TraceRecord, type VerifiedRecord, verifyEvidence, SceauError } from "@sceau/crypto";
import { api } from "../api";
import type { Evidence, TimelineEntry } from "../api/types";
import { logKey } from "../trust";

/** A timeline line checked against its evidence. What is shown afterwards comes from the record, not from the line. */
export async function checkLine(dossier: string, line: TimelineEntry): Promise<{ evidence: Evidence; record: TraceRecord }> {
  const evidence = await api.dossierEvidence(dossier, line.index);
  const { record, index } = await verifyEvidence(evidence, await logKey());
  if (index !== line.index || record.outcome !== line.outcome || !tells(record, line, dossier)) throw new SceauError("evidence.wrong_subject");
  return { evidence, record };
}

/** The rows whose attestation is a line of the timeline: the log then names the row, and the line says what became of it. */
const attestedBy: Record<string, string> = { "deposit.begin": "dossier", "deposit.complete": "manifest", decision: "decision" };

function tells(record: TraceRecord, line: TimelineEntry, dossier: string): boolean {
  const kind = attestedBy[line.action];
  if (kind !== undefined && record.attested) return record.attested.kind === kind && record.attested.id === dossier;
  const about = record.subjects.some((subject) => subject.kind === "dossier" && subject.id === dossier);
  return about && record.action === line.action && record.actor.kind === line.actor_role;
}

/** An evidence file that somebody hands over. */
export async function checkFile(text: string): Promise<VerifiedRecord> {
  return verifyEvidence(text, await logKey());
}
