/** A scheme while it is being written, and what is sent of it. */
import type { FieldKind, IntakeHost, SchemeDraft } from "../api/types";

export interface QuestionDraft { key: number; fr: string; en: string; kind: FieldKind; required: boolean; sensitive: boolean; choicesFr: string; choicesEn: string }
export interface DocumentDraft { key: number; fr: string; en: string; required: boolean }
export interface Draft { fr: string; en: string; aboutFr: string; aboutEn: string; questions: QuestionDraft[]; documents: DocumentDraft[]; scanned: IntakeHost | null }

let keys = 0;
export const newQuestion = (): QuestionDraft => ({ key: (keys += 1), fr: "", en: "", kind: "text", required: true, sensitive: false, choicesFr: "", choicesEn: "" });
export const newDocument = (): DocumentDraft => ({ key: (keys += 1), fr: "", en: "", required: true });
export const newDraft = (): Draft => ({ fr: "", en: "", aboutFr: "", aboutEn: "", questions: [], documents: [newDocument()], scanned: null });

export type DraftFault = "missing" | "choices-uneven";

export function faultOf(draft: Draft): DraftFault | undefined {
  const texts = [draft.fr, draft.en, draft.aboutFr, draft.aboutEn, ...[...draft.questions, ...draft.documents].flatMap((one) => [one.fr, one.en])];
  const choices = draft.questions.filter((one) => one.kind === "choice");
  if (texts.some((text) => text.trim() === "") || choices.some((one) => lines(one.choicesFr).length === 0)) return "missing";
  return choices.some((one) => lines(one.choicesFr).length !== lines(one.choicesEn).length) ? "choices-uneven" : undefined;
}

/** The scheme to prepare. Names, which manifests use, come from the French labels. */
export function schemeOf(draft: Draft): SchemeDraft {
  const names = namer();
  const files = namer();
  return {
    title: { fr: draft.fr.trim(), en: draft.en.trim() },
    description: { fr: draft.aboutFr.trim(), en: draft.aboutEn.trim() },
    form: draft.questions.map((one) => ({
      name: names(one.fr),
      label: { fr: one.fr.trim(), en: one.en.trim() },
      kind: one.kind,
      required: one.required,
      sensitive: one.sensitive,
      ...(one.kind === "choice" ? { choices: choicesOf(one) } : {}),
    })),
    documents: draft.documents.map((one) => ({ name: files(one.fr), label: { fr: one.fr.trim(), en: one.en.trim() }, required: one.required })),
    ...(draft.scanned ? { intake: "scanned" as const, intake_host: draft.scanned } : {}),
  };
}

function choicesOf(question: QuestionDraft) {
  const english = lines(question.choicesEn);
  const names = namer();
  return lines(question.choicesFr).map((fr, i) => ({ value: names(fr), label: { fr, en: english[i] ?? fr } }));
}

const lines = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

/** Names of `a-z 0-9 _ -`, at most 64, each given once. */
function namer(): (label: string) => string {
  const given = new Set<string>();
  return (label) => {
    const plain = label.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 56) || "champ";
    let name = plain;
    for (let n = 2; given.has(name); n += 1) name = `${plain}-${n}`;
    given.add(name);
    return name;
  };
}
