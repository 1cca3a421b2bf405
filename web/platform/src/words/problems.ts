import { Problem } from "../api/http";
import { codeOf } from "@sceau/crypto";
import { words } from "@sceau/shared";
import { byCode } from "./refusals";

/** What to say of a refusal: by its code, or where it has none that we know, by its status. */
const said = words({
  fr: {
    byCode: byCode("fr"),
    byFault: {
      file_unreadable: "Un fichier ne peut plus être lu. A-t-il été déplacé ou supprimé ? Retirez-le et ajoutez-le de nouveau.",
      file_changed: "Un fichier a changé pendant sa mise sous scellés. Fermez le programme qui le modifie, retirez-le et ajoutez-le de nouveau.",
      seal_name: "Le nom d'un fichier ne peut pas être scellé : il est trop long, ou contient une barre oblique. Renommez-le et ajoutez-le de nouveau.",
      passkey_unavailable: "Ce navigateur ne sait pas utiliser de clé d'accès. Prenez un navigateur à jour.",
    },
    conflict: "Cela ne peut plus se faire dans l'état actuel. Rechargez la page et regardez où en est le dossier.",
    platform: "La plateforme a eu une panne. Ce n'est pas vous : réessayez dans un instant.",
    local: "Votre navigateur n'a pas pu faire cette opération. Rechargez la page ; si cela dure, essayez un autre navigateur.",
    code: (code: string) => `Code ${code}`,
    title: "Cela n'a pas marché",
    said: "Message technique, en anglais :",
  },
  en: {
    byCode: byCode("en"),
    byFault: {
      file_unreadable: "A file can no longer be read. Was it moved or deleted? Remove it and add it again.",
      file_changed: "A file changed while it was being sealed. Close the program that is changing it, remove it and add it again.",
      seal_name: "The name of a file cannot be sealed: it is too long, or has a slash in it. Rename it and add it again.",
      passkey_unavailable: "This browser cannot use passkeys. Use an up-to-date browser.",
    },
    conflict: "This can no longer be done in the present state. Reload the page and see where the dossier stands.",
    platform: "The platform had a fault. It is not you: try again in a moment.",
    local: "Your browser could not do this. Reload the page; if it goes on, try another browser.",
    code: (code: string) => `Code ${code}`,
    title: "That did not work",
    said: "Technical message:",
  },
});

export function sentence(trouble: unknown): string {
  const w = said();
  if (!(trouble instanceof Problem)) return (w.byFault as Record<string, string>)[codeOf(trouble)] ?? w.local;
  return w.byCode[trouble.code] ?? byStatus(trouble.status);
}

function byStatus(status: number): string {
  const w = said();
  const of = (code: string): string => w.byCode[code] ?? w.platform;
  if (status === 401) return of("not_signed_in");
  if (status === 403) return of("not_authorised");
  if (status === 404) return of("not_found");
  if (status === 409 || status === 412) return w.conflict;
  if (status === 413) return of("too_large");
  if (status === 429) return of("too_many_requests");
  if (status >= 500) return w.platform;
  if (status >= 400) return of("malformed");
  return of("network");
}

export function troubleTitle(): string {
  return said().title;
}

/** What is said before a message of another program. */
export function saidBefore(): string {
  return said().said;
}

/** What the platform adds, in its own words (English), where ours do not say it all. */
export function detailOf(trouble: unknown): string {
  return trouble instanceof Problem && (trouble.status === 400 || trouble.status === 422) ? trouble.detail : "";
}

/** The stable code, for whoever is asked for help. */
export function codeLine(trouble: unknown): string {
  return trouble instanceof Problem && trouble.code !== "" && trouble.code !== "network" ? said().code(trouble.code) : "";
}
