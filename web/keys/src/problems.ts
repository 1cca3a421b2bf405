// What went wrong, in the reader's words: what happened, then what to do.
import { codeOf } from "@sceau/crypto";
import { words } from "@sceau/shared";
import { Problem } from "./api";
import { kindOf } from "./kinds";

const texts = words({
  fr: {
    network: "Le serveur n'a pas répondu. Vérifiez votre connexion, puis réessayez.",
    ticket: "Ce lien a déjà servi ou il a expiré. Retournez dans Sceau et ouvrez de nouveau le dossier.",
    account: "Le compte connecté à Sceau n'est pas celui de votre certificat. Connectez-vous à Sceau avec votre propre compte.",
    session: "Votre lecture a expiré. Retournez dans Sceau et ouvrez de nouveau le dossier.",
    certificate: "Votre certificat n'est pas accepté pour cette action. Demandez à l'administrateur du gardien des clés.",
    binding: "Votre certificat n'est pas encore relié à votre compte. Demandez à l'administrateur du gardien des clés de le faire.",
    assignment: "Ce dossier est confié à d'autres personnes. Demandez à l'administrateur du gardien des clés de vous l'attribuer.",
    quota: "Vous avez ouvert beaucoup de documents en peu de temps. Attendez un peu, ou parlez-en à l'administrateur.",
    manifest: "Ce dossier n'est pas celui qui a été déposé : sa liste signée manque ou ne correspond pas. Rien n'a été ouvert. Prévenez l'administrateur.",
    unscanned: "Votre organisation fait contrôler ces documents par un guichet, et il n'a pas signé que chacun est sain. Rien n'a été ouvert. Prévenez l'administrateur.",
    altered: "Ce document a été modifié ou abîmé après son scellement. Il n'est pas affiché. Prévenez l'administrateur.",
    key: "Le gardien n'a plus, ou n'a pas, la clé de ce document. Prévenez l'administrateur.",
    large: "Ce document dépasse 500 Mo : cette page ne peut pas le tenir en entier, et rien d'autre n'ouvre encore un document de dossier. Prévenez l'administrateur.",
    waits: "L'antivirus de votre organisation ne répond pas : le document attend, fermé. Réessayez dans quelques minutes ; si cela continue, prévenez l'administrateur du gardien des clés.",
    noVerdict: "L'examen par l'antivirus s'est arrêté sans résultat. Rien n'a été ouvert. Réessayez ; si cela continue, prévenez l'administrateur du gardien des clés.",
    unconfined: "Sur cette machine, l'examen des documents ne peut pas être isolé : le document attend, fermé. Prévenez l'administrateur du gardien des clés.",
    slow: "La plateforme livre ce document trop lentement pour qu'il soit examiné. Réessayez ; si cela continue, prévenez l'administrateur.",
    outdated: "Ce gardien tourne sur une ancienne copie de ses données : rien ne s'ouvre. Prévenez son administrateur.",
    uncompared: "Depuis son démarrage, ce gardien n'a pas pu relire la trace de la plateforme : rien ne s'ouvre avant. Réessayez dans quelques minutes ; si cela continue, prévenez son administrateur.",
    tooLargeToScan: "Ce document est plus grand que ce que l'antivirus de votre organisation accepte d'examiner. Il n'est pas ouvert ; demandez à l'administrateur du gardien des clés d'en relever la limite.",
    infected: "L'antivirus de votre organisation a trouvé quelque chose dans ce document. Il n'est pas ouvert.",
    notInfected: "L'antivirus n'a rien trouvé dans ce document récemment. Ouvrez-le : il sera examiné de nouveau.",
    supervisor: "Seule une personne superviseuse de votre organisation peut faire cela.",
    oneself: "Personne ne se donne de dérogation à soi-même. Demandez à une autre personne superviseuse.",
    colleague: "Cette personne n'a pas de certificat ici, ou ce dossier est confié à d'autres. Choisissez-en une autre.",
    decided: "Une décision définitive a déjà été signée pour ce dossier.",
    unlinked: "Ce gardien n'est encore relié à aucune plateforme. Son administrateur le fait avec « sceau keymanager connect ».",
    clock: "Le gardien des clés n'a pas pu joindre la plateforme. Ce qui a été fait est gardé et sera transmis.",
    origin: "La demande ne vient pas des pages de ce gardien. Rouvrez la page depuis son adresse habituelle.",
    missing: "Ceci n'existe pas, ou plus. Rechargez la page.",
    input: "Une valeur n'a pas la forme attendue. Corrigez-la, puis réessayez.",
    unproven: "La plateforme n'a pas prouvé ce qu'elle répond. Rien n'est perdu ; prévenez l'administrateur de la plateforme.",
    refused: "La plateforme refuse cette action. Prévenez son administrateur.",
    unsigned: "La plateforme n'a encore pris aucune clé de ce gardien qui serve à cela. Attendez un peu, puis réessayez.",
    needed: "Cette clé sert encore : un dossier qui lui est scellé n'est pas décidé, ou son délai court. Elle n'est pas détruite.",
    failed: "Le gardien des clés a échoué. Réessayez ; si cela continue, son administrateur trouvera la cause dans son journal.",
    other: (code: string) => `L'action a été refusée (${code}). Réessayez ; si cela continue, donnez ce code à l'administrateur.`,
  },
  en: {
    network: "The server did not answer. Check your connection, then try again.",
    ticket: "This link was used already, or it has expired. Go back to Sceau and open the dossier again.",
    account: "The account signed in to Sceau is not the one of your certificate. Sign in to Sceau with your own account.",
    session: "Your reading session has expired. Go back to Sceau and open the dossier again.",
    certificate: "Your certificate is not accepted for this. Ask the administrator of the key manager.",
    binding: "Your certificate is not bound to your account yet. Ask the administrator of the key manager to bind it.",
    assignment: "This dossier is assigned to other people. Ask the administrator of the key manager to assign it to you.",
    quota: "You have opened many documents in a short time. Wait a little, or talk to the administrator.",
    manifest: "This dossier is not the one that was deposited: its signed list is missing or does not match. Nothing was opened. Tell the administrator.",
    unscanned: "Your organisation has these documents checked by an intake, and it did not sign that each is clean. Nothing was opened. Tell the administrator.",
    altered: "This document was changed or damaged after it was sealed. It is not shown. Tell the administrator.",
    key: "The key manager no longer has, or never had, the key to this document. Tell the administrator.",
    large: "This document is above 500 MB: this page cannot hold it whole, and nothing else opens a dossier’s document yet. Tell the administrator.",
    waits: "Your organisation’s antivirus does not answer: the document waits, closed. Try again in a few minutes; if it goes on, tell the administrator of the key manager.",
    noVerdict: "The antivirus stopped without a result. Nothing was opened. Try again; if it goes on, tell the administrator of the key manager.",
    unconfined: "On this machine the examination of documents cannot be isolated: the document waits, closed. Tell the administrator of the key manager.",
    slow: "The platform delivers this document too slowly to be examined. Try again; if it goes on, tell the administrator.",
    outdated: "This key manager runs from an old copy of its data: nothing opens. Tell its administrator.",
    uncompared: "Since it started, this key manager could not read the platform’s trace again: nothing opens before. Try again in a few minutes; if it goes on, tell its administrator.",
    tooLargeToScan: "This document is larger than your organisation’s antivirus takes. It is not opened; ask the administrator of the key manager to raise the limit.",
    infected: "Your organisation’s antivirus found something in this document. It is not opened.",
    notInfected: "The antivirus found nothing in this document of late. Open it: it is examined again.",
    supervisor: "Only a supervisor of your organisation may do this.",
    oneself: "Nobody makes an exception for oneself. Ask another supervisor.",
    colleague: "That person has no certificate here, or the dossier is assigned to others. Choose somebody else.",
    decided: "A final decision was already signed for this dossier.",
    unlinked: "This key manager is not connected to a platform yet. Its administrator connects it with “sceau keymanager connect”.",
    clock: "The key manager could not reach the platform. What was done is kept and will be sent.",
    origin: "The request does not come from this key manager’s pages. Open the page again from its usual address.",
    missing: "There is no such thing here, or no longer. Reload the page.",
    input: "A value does not have the expected form. Correct it, then try again.",
    unproven: "The platform did not prove what it answers. Nothing is lost; tell the administrator of the platform.",
    refused: "The platform refuses this. Tell its administrator.",
    unsigned: "The platform has taken no key of this key manager yet that serves for this. Wait a little, then try again.",
    needed: "This key is still needed: a dossier that is sealed to it is not decided, or its time still runs. It is not destroyed.",
    failed: "The key manager failed. Try again; if it goes on, its administrator finds the cause in its log.",
    other: (code: string) => `This was refused (${code}). Try again; if it goes on, give this code to the administrator.`,
  },
});

/** The stable code of what happened; for programs, tests and support. */
export function codeFor(error: unknown): string {
  return error instanceof Problem ? error.code : codeOf(error);
}

export function explain(error: unknown): string {
  const w = texts();
  const code = codeFor(error);
  const kind = kindOf(code);
  return kind === undefined ? w.other(code) : w[kind];
}
