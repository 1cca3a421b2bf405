/** How the log's acts and actors are said. Codes that these pages do not know are shown as they are. */
import { common } from "./common";
import { dossiers } from "./dossiers";
import { trace } from "./trace";

export function actionWords(action: string, outcome: string): string {
  const refusals = dossiers().timeline.refusals as Record<string, string>;
  if (outcome === "refused" && refusals[action]) return refusals[action];
  const w = dossiers().timeline.actions;
  const known = (w as unknown as Record<string, string>)[action];
  return typeof known === "string" ? known : w.other(action);
}

/** Who, as the depositor may know it: themselves, or an organisation and a role. */
export function actorWords(role: string, organisation: string | null): string {
  const known = (common().roles as Record<string, string>)[role] ?? role;
  if (role === "citizen") return dossiers().timeline.you;
  return capital(organisation ? dossiers().timeline.by(known, organisation) : known);
}

/** Who, in the public trace, where the reader is nobody in particular. */
export function publicActor(kind: string): string {
  return (common().actors as Record<string, string>)[kind] ?? capital(kind);
}

export function assertedWords(by: string): string {
  return (trace().asserted as Record<string, string>)[by] ?? by;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
