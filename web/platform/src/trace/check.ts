/** Whether a proof shows what the page says it shows: the record is in the log, and it is that record. */
import { type TraceRecord, type VerifiedRecord, verifyEvidence, SceauError } from "@sceau/crypto";
import { api } from "../api";
import type { Evidence, TimelineEntry } from "../api/types";
import { logKey } from "../trust";

/** A timeline line checked against its evidence: same act, outcome and time, about this dossier. */
export async function checkLine(dossier: string, line: TimelineEntry): Promise<{ evidence: Evidence; record: TraceRecord }> {
  const evidence = await api.dossierEvidence(dossier, line.index);
  const { record, index } = await verifyEvidence(evidence, await logKey());
  const about = record.subjects.some((subject) => subject.kind === "dossier" && subject.id === dossier) || record.attested?.id === dossier;
  const same = index === line.index && record.action === line.action && record.outcome === line.outcome && record.time === line.time;
  if (!about || !same) throw new SceauError("evidence.wrong_subject");
  return { evidence, record };
}

/** An evidence file that somebody hands over. */
export async function checkFile(text: string): Promise<VerifiedRecord> {
  return verifyEvidence(text, await logKey());
}
