import { Problem } from "../api/http";
import { codeOf } from "@sceau/crypto";
import { words } from "@sceau/shared";

/** What to say of each refusal: who is at fault, and what to do. Codes are the platform's (RFC 9457 `code`); the rest goes by status. */
const said = words({
  fr: {
    byCode: {
      network: "La plateforme ne répond pas. Vérifiez votre connexion, puis réessayez ; rien n'est perdu.",
      unreadable_answer: "La plateforme a répondu quelque chose d'incompréhensible. Elle est en faute : réessayez, et prévenez-nous si cela dure.",
      unauthenticated: "Votre session est finie. Entrez de nouveau ; ce que vous avez envoyé est gardé.",
      bad_credentials: "L'adresse ou le mot de passe ne convient pas. Vérifiez les deux, ou entrez avec votre clé d'accès.",
      locked: "Trop d'essais sur ce compte. Par prudence, il attend quelques minutes avant d'en accepter un autre.",
      rate_limited: "Trop de demandes en peu de temps. Attendez une minute, puis réessayez.",
      email_taken: "Ce compte ne peut pas être créé. Si vous en avez déjà un avec cette adresse, entrez plutôt avec lui.",
      expired: "La confirmation a trop attendu, ou a déjà servi. Recommencez le geste.",
      tampered: "Une donnée de la plateforme n'est pas celle qui a été attestée. Elle est refusée et l'incident est inscrit. La plateforme est en faute : prévenez-nous.",
      storage: "La plateforme n'a pas pu écrire ou lire. Ce qui vous a été confirmé n'est pas perdu ; réessayez dans un instant.",
      already_there: "Autre chose a déjà été envoyé à cette place. Retirez le fichier et ajoutez-le de nouveau.",
      already_decided: "Une décision définitive a déjà été prise ; elle reste.",
      dossier_too_large: "Un dossier contient 8 Gio au plus. Déposez-en plusieurs, ou retirez des fichiers.",
      too_many_files: "Un dossier contient 50 fichiers au plus. Réunissez-en quelques-uns, ou faites deux dépôts.",
      foreign_organisation: "Ce dossier est celui d'une autre organisation. Il ne s'ouvre pas d'ici.",
      form_changed: "L'organisation a publié une autre version de ce formulaire. Rechargez la page et recommencez le dépôt.",
      answers_refused: "Une réponse manque ou n'a pas la forme attendue. Revenez au formulaire et corrigez-la.",
      admin_exists: "La plateforme a déjà un administrateur. C'est lui qui peut vous inviter.",
      weak_password: "Ce mot de passe est trop court. Prenez-en un d'au moins douze caractères.",
      passkey_required: "Ce compte demande une clé d'accès. Un mot de passe ne suffit pas pour cette fonction.",
      passkey_refused: "Cette clé d'accès n'est pas reconnue ici. Essayez-en une autre, ou un autre appareil.",
      proof_refused: "La signature de votre clé d'accès n'a pas été acceptée. Recommencez le geste ; si cela dure, la clé est peut-être révoquée.",
      stale: "Quelqu'un a changé ceci entre-temps. Rechargez la page et recommencez.",
      foreign_origin: "La demande ne vient pas de ce site. Rouvrez la page depuis son adresse habituelle.",
      invitation_unknown: "Ce lien d'invitation n'est pas valable : il a déjà servi, ou il a expiré. Demandez-en un nouveau à la personne qui vous a invité.",
      no_current_key: "L'organisation n'a pas de clé en cours de validité. Elle doit remettre son gardien des clés en route ; réessayez plus tard.",
      not_draft: "Ce dossier est déjà déposé : on n'y ajoute plus rien. Commencez un nouveau dépôt pour un complément.",
      incomplete: "Un fichier n'est pas arrivé en entier. Reprenez l'envoi, puis déposez.",
      manifest_mismatch: "La liste signée ne correspond pas à ce que la plateforme a reçu. Reprenez l'envoi ; si cela dure, ne déposez pas ici et prévenez l'organisation.",
      digest_mismatch: "Un morceau a été abîmé en route. Il est renvoyé automatiquement ; si cela dure, changez de réseau.",
      too_large: "C'est trop volumineux pour cette page. Utilisez la ligne de commande pour les très gros fichiers.",
      not_found: "Ceci n'existe pas, ou n'est pas à vous. Vérifiez le lien.",
      forbidden: "Votre compte n'a pas ce droit. Demandez-le à la personne qui administre.",
      root_mismatch: "L'empreinte tapée n'est pas une empreinte de clé. Relisez-la avec l'organisation, groupe par groupe.",
      element_unavailable: "L'élément de sécurité de la plateforme ne répond pas, et rien ne se fait sans lui. Réessayez dans un instant.",
    },
    byFault: {
      "file-unreadable": "Un fichier ne peut plus être lu. A-t-il été déplacé ou supprimé ? Retirez-le et ajoutez-le de nouveau.",
      "file-changed": "Un fichier a changé pendant sa mise sous scellés. Fermez le programme qui le modifie, retirez-le et ajoutez-le de nouveau.",
      "seal-name": "Le nom d'un fichier ne peut pas être scellé : il est trop long, ou contient une barre oblique. Renommez-le et ajoutez-le de nouveau.",
      "passkey-unavailable": "Ce navigateur ne sait pas utiliser de clé d'accès. Prenez un navigateur à jour.",
    },
    invalid: "La plateforme refuse cette saisie. Corrigez-la et recommencez.",
    denied: "Votre compte n'a pas ce droit. Demandez-le à la personne qui administre.",
    conflict: "Cela ne peut plus se faire dans l'état actuel. Rechargez la page et regardez où en est le dossier.",
    platform: "La plateforme a eu une panne. Ce n'est pas vous : réessayez dans un instant.",
    local: "Votre navigateur n'a pas pu faire cette opération. Rechargez la page ; si cela dure, essayez un autre navigateur.",
    code: (code: string) => `Code ${code}`,
    title: "Cela n'a pas marché",
  },
  en: {
    byCode: {
      network: "The platform does not answer. Check your connection, then try again; nothing is lost.",
      unreadable_answer: "The platform answered something unreadable. It is at fault: try again, and tell us if it goes on.",
      unauthenticated: "Your session has ended. Sign in again; what you sent is kept.",
      bad_credentials: "The address or the password is not right. Check both, or sign in with your passkey.",
      locked: "Too many attempts on this account. To be safe it waits a few minutes before accepting another.",
      rate_limited: "Too many requests in a short time. Wait a minute, then try again.",
      email_taken: "This account cannot be created. If you already have one with this address, sign in with it instead.",
      expired: "The confirmation waited too long, or was already used. Make the gesture again.",
      tampered: "A piece of the platform’s data is not the one that was attested. It is refused and the incident is written down. The platform is at fault: tell us.",
      storage: "The platform could not write or read. What was confirmed to you is not lost; try again in a moment.",
      already_there: "Something else was sent in this place before. Remove the file and add it again.",
      already_decided: "A final decision was taken before; it stands.",
      dossier_too_large: "A dossier holds at most 8 GiB. Make several deposits, or remove files.",
      too_many_files: "A dossier holds at most 50 files. Join some of them, or make two deposits.",
      foreign_organisation: "This dossier belongs to another organisation. It cannot be opened from here.",
      form_changed: "The organisation published another version of this form. Reload the page and begin the deposit again.",
      answers_refused: "An answer is missing or does not have the expected form. Go back to the form and correct it.",
      admin_exists: "The platform already has an administrator. They are the one who can invite you.",
      weak_password: "This password is too short. Take one of at least twelve characters.",
      passkey_required: "This account needs a passkey. A password is not enough for this role.",
      passkey_refused: "This passkey is not known here. Try another one, or another device.",
      proof_refused: "The signature of your passkey was not accepted. Make the gesture again; if it goes on, the passkey may be revoked.",
      stale: "Someone changed this in the meantime. Reload the page and start again.",
      foreign_origin: "The request does not come from this site. Open the page again from its usual address.",
      invitation_unknown: "This invitation link is not valid: it was already used, or it has expired. Ask the person who invited you for a new one.",
      no_current_key: "The organisation has no valid key at present. It has to restart its key manager; try again later.",
      not_draft: "This dossier is already deposited: nothing more can be added. Begin a new deposit for anything more.",
      incomplete: "A file did not arrive whole. Resume sending, then deposit.",
      manifest_mismatch: "The signed list does not match what the platform received. Resume sending; if it goes on, do not deposit here and tell the organisation.",
      digest_mismatch: "A piece was damaged on its way. It is sent again automatically; if it goes on, change networks.",
      too_large: "This is too large for this page. Use the command line for very large files.",
      not_found: "This does not exist, or is not yours. Check the link.",
      forbidden: "Your account does not have this right. Ask the person who administers it.",
      root_mismatch: "What was typed is not a key fingerprint. Read it again with the organisation, group by group.",
      element_unavailable: "The platform’s security element does not answer, and nothing is done without it. Try again in a moment.",
    },
    byFault: {
      "file-unreadable": "A file can no longer be read. Was it moved or deleted? Remove it and add it again.",
      "file-changed": "A file changed while it was being sealed. Close the program that is changing it, remove it and add it again.",
      "seal-name": "The name of a file cannot be sealed: it is too long, or has a slash in it. Rename it and add it again.",
      "passkey-unavailable": "This browser cannot use passkeys. Use an up-to-date browser.",
    },
    invalid: "The platform refuses this entry. Correct it and try again.",
    denied: "Your account does not have this right. Ask the person who administers it.",
    conflict: "This can no longer be done in the present state. Reload the page and see where the dossier stands.",
    platform: "The platform had a fault. It is not you: try again in a moment.",
    local: "Your browser could not do this. Reload the page; if it goes on, try another browser.",
    code: (code: string) => `Code ${code}`,
    title: "That did not work",
  },
});

/** The codes that mean the same to a person. */
const alias: Record<string, string> = {
  not_signed_in: "unauthenticated",
  credentials_refused: "bad_credentials",
  too_many_requests: "rate_limited",
  password_unacceptable: "weak_password",
  registration_refused: "email_taken",
  role_required: "forbidden",
  not_authorised: "forbidden",
  origin_mismatch: "foreign_origin",
  row_tampered: "tampered",
  ceremony_over: "expired",
  nonce_invalid: "expired",
  stale_version: "stale",
  hash_mismatch: "manifest_mismatch",
  proof_invalid: "proof_refused",
  proof_required: "proof_refused",
  credential_unknown: "passkey_refused",
  already_sent: "not_draft",
  state: "not_draft",
  file_incomplete: "incomplete",
  header_first: "incomplete",
  answer_missing: "answers_refused",
  answer_unknown: "answers_refused",
  answer_kind: "answers_refused",
  answer_in_clear: "answers_refused",
  document_missing: "incomplete",
  evidence_unavailable: "element_unavailable",
  no_key_manager: "no_current_key",
  key_unknown: "no_current_key",
  header_too_large: "too_large",
  busy: "element_unavailable",
  unavailable: "element_unavailable",
  element_answer: "element_unavailable",
};

export function sentence(trouble: unknown): string {
  const w = said();
  if (!(trouble instanceof Problem)) return (w.byFault as Record<string, string>)[codeOf(trouble)] ?? w.local;
  const known = w.byCode as Record<string, string>;
  const code = trouble.code.startsWith("passkey_") && trouble.code !== "passkey_required" ? "passkey_refused" : trouble.code;
  const exact = known[code] ?? known[alias[code] ?? ""];
  if (exact !== undefined) return exact;
  if (trouble.status === 401) return w.byCode.unauthenticated;
  if (trouble.status === 403) return w.denied;
  if (trouble.status === 404) return w.byCode.not_found;
  if (trouble.status === 409 || trouble.status === 412) return w.conflict;
  if (trouble.status === 413) return w.byCode.too_large;
  if (trouble.status === 429) return w.byCode.rate_limited;
  if (trouble.status >= 500) return w.platform;
  if (trouble.status >= 400) return w.invalid;
  return w.byCode.network;
}

export function troubleTitle(): string {
  return said().title;
}

/** What the platform adds, in its own words (English), where ours do not say it all. */
export function detailOf(trouble: unknown): string {
  return trouble instanceof Problem && (trouble.status === 400 || trouble.status === 422) ? trouble.detail : "";
}

/** The stable code, for whoever is asked for help. */
export function codeLine(trouble: unknown): string {
  return trouble instanceof Problem && trouble.code !== "" && trouble.code !== "network" ? said().code(trouble.code) : "";
}
