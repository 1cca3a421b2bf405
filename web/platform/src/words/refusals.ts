/** What to say of each code of docs/problem-codes.md, and of the few that these pages make themselves: who is at fault, and what to do. Data
 * alone, so that a test can hold it to the document. */
export interface Refusal {
  readonly codes: readonly string[];
  readonly fr: string;
  readonly en: string;
}

const people: readonly Refusal[] = [
  { codes: ["network"], fr: "La plateforme ne répond pas. Vérifiez votre connexion, puis réessayez ; rien n'est perdu.", en: "The platform does not answer. Check your connection, then try again; nothing is lost." },
  { codes: ["unreadable_answer"], fr: "La plateforme a répondu quelque chose d'incompréhensible. Elle est en faute : réessayez, et prévenez-nous si cela dure.", en: "The platform answered something unreadable. It is at fault: try again, and tell us if it goes on." },
  { codes: ["not_signed_in", "access_token_refused"], fr: "Votre session est terminée. Entrez de nouveau ; ce que vous avez envoyé est gardé.", en: "Your session has ended. Sign in again; what you sent is kept." },
  { codes: ["credentials_refused"], fr: "L'adresse ou le mot de passe ne convient pas. Vérifiez les deux, ou entrez avec votre clé d'accès.", en: "The address or the password is not right. Check both, or sign in with your passkey." },
  { codes: ["too_many_requests"], fr: "Trop de demandes en peu de temps. Attendez une minute, puis réessayez.", en: "Too many requests in a short time. Wait a minute, then try again." },
  { codes: ["registration_refused"], fr: "Ce compte ne peut pas être créé. Si vous en avez déjà un avec cette adresse, entrez plutôt avec lui.", en: "This account cannot be created. If you already have one with this address, sign in with it instead." },
  { codes: ["password_unacceptable"], fr: "Ce mot de passe ne convient pas. Prenez-en un d'au moins douze caractères variés, qui ne soit ni votre nom ni votre adresse.", en: "This password will not do. Take one of at least twelve varied characters that is neither your name nor your address." },
  { codes: ["passkey_required"], fr: "Ce compte demande une clé d'accès. Un mot de passe ne suffit pas pour cette fonction.", en: "This account needs a passkey. A password is not enough for this role." },
  { codes: ["ceremony_over", "nonce_invalid"], fr: "La confirmation a trop attendu, ou a déjà servi. Recommencez le geste.", en: "The confirmation waited too long, or was already used. Make the gesture again." },
  { codes: ["proof_invalid", "proof_required"], fr: "La signature de votre clé d'accès n'a pas été acceptée. Recommencez le geste ; si cela dure, la clé est peut-être révoquée.", en: "The signature of your passkey was not accepted. Make the gesture again; if it goes on, the passkey may be revoked." },
  {
    codes: [
      "credential_unknown", "passkey_attestation_malformed", "passkey_authenticator_data_malformed", "passkey_ceremony_mismatch", "passkey_challenge_mismatch",
      "passkey_client_data_malformed", "passkey_key_unknown", "passkey_origin_mismatch", "passkey_relying_party_mismatch", "passkey_signature_invalid",
      "passkey_user_presence_missing", "passkey_user_verification_missing",
    ],
    fr: "Cette clé d'accès n'est pas reconnue ici. Essayez-en une autre, ou un autre appareil.", en: "This passkey is not known here. Try another one, or another device.",
  },
  { codes: ["foreign_origin"], fr: "La demande ne vient pas de ce site. Rouvrez la page depuis son adresse habituelle.", en: "The request does not come from this site. Open the page again from its usual address." },
  { codes: ["provider_unknown"], fr: "Ce service de connexion n'est pas proposé ici. Choisissez-en un sur la page d'entrée.", en: "This sign-in service is not offered here. Choose one on the sign-in page." },
  { codes: ["provider_unavailable"], fr: "Le service de connexion ne répond pas. Réessayez dans un instant, ou entrez autrement.", en: "The sign-in service does not answer. Try again in a moment, or sign in another way." },
  { codes: ["provider_clock"], fr: "L'horloge de la plateforme et celle du service de connexion ne s'accordent pas. Prévenez la personne qui administre la plateforme ; en attendant, entrez autrement.", en: "The platform’s clock and that of the sign-in service disagree. Tell the person who administers the platform; meanwhile, sign in another way." },
  { codes: ["provider_refused"], fr: "La réponse du service de connexion n'est pas crue : elle est vieille, ou n'est pas la bonne. Recommencez depuis la page d'entrée.", en: "The answer of the sign-in service is not believed: it is old, or not the right one. Begin again from the sign-in page." },
  { codes: ["provider_declined"], fr: "La connexion n'a pas été menée à son terme chez l'autre service. Recommencez, ou entrez autrement.", en: "The sign-in was not completed at the other service. Begin again, or sign in another way." },
  { codes: ["provider_level"], fr: "Le service de connexion n'est pas assez sûr de vous. Connectez-vous chez lui par un moyen plus fort, avec un second facteur.", en: "The sign-in service is not sure enough of you. Sign in there by a stronger means, with a second factor." },
  { codes: ["provider_claims"], fr: "Le service de connexion ne transmet pas votre nom ou votre adresse. Autorisez-le, ou créez un compte ici.", en: "The sign-in service does not pass on your name or address. Allow it to, or create an account here." },
  { codes: ["identity_unknown"], fr: "Cette identité n'ouvre aucun compte ici. Entrez autrement, puis reliez-la sous « Mon compte ».", en: "This identity opens no account here. Sign in another way, then link it under “My account”." },
  { codes: ["identity_taken"], fr: "Cette identité ouvre déjà un compte. Entrez avec elle, ou reliez-en une autre.", en: "This identity opens an account already. Sign in with it, or link another one." },
  { codes: ["invitation_unknown"], fr: "Ce lien d'invitation n'est pas valable : il a déjà servi, ou il a expiré. Demandez-en un nouveau à la personne qui vous l'a envoyé.", en: "This invitation link is not valid: it was already used, or it has expired. Ask the person who sent it for a new one." },
  { codes: ["admin_exists"], fr: "La plateforme a déjà un administrateur. C'est lui qui peut vous inviter.", en: "The platform already has an administrator. They are the one who can invite you." },
  { codes: ["not_authorised"], fr: "Votre compte n'a pas ce droit. Demandez-le à la personne qui administre.", en: "Your account does not have this right. Ask the person who administers it." },
  { codes: ["account_unknown"], fr: "Ce compte n'est pas inscrit auprès de l'élément de sécurité. Entrez de nouveau ; si cela dure, prévenez la personne qui administre.", en: "This account is not enrolled with the security element. Sign in again; if it goes on, tell the person who administers." },
  { codes: ["organisation_unknown"], fr: "Aucune organisation inscrite ne porte ce numéro. Vérifiez-le dans la liste des organisations.", en: "No enrolled organisation has this number. Check it in the list of organisations." },
];

const platform: readonly Refusal[] = [
  { codes: ["tampered"], fr: "Une donnée de la plateforme n'est pas celle qui a été attestée. Elle est refusée et l'incident est inscrit. La plateforme est en faute : prévenez-nous.", en: "A piece of the platform’s data is not the one that was attested. It is refused and the incident is written down. The platform is at fault: tell us." },
  { codes: ["internal"], fr: "La plateforme n'a pas pu écrire ou lire. Ce qui vous a été confirmé n'est pas perdu ; réessayez dans un instant.", en: "The platform could not write or read. What was confirmed to you is not lost; try again in a moment." },
  { codes: ["database_unavailable"], fr: "La base de données de la plateforme ne répond pas. Rien de ce qui a été confirmé n'est perdu. Réessayez dans un instant.", en: "The platform’s database does not answer. Nothing that was confirmed is lost. Try again in a moment." },
  { codes: ["objects_unavailable"], fr: "L'espace où sont gardés les fichiers scellés ne répond pas. Ce qui a été confirmé est gardé, et l'envoi reprend où il s'est arrêté. Réessayez dans un instant.", en: "The store of sealed files does not answer. What was confirmed is kept, and the upload goes on where it stopped. Try again in a moment." },
  { codes: ["storage_full"], fr: "La plateforme n'a plus de place. Rien de ce qui a été confirmé n'est perdu. Réessayez plus tard ; son administrateur doit en libérer.", en: "The platform has no room left. Nothing that was confirmed is lost. Try again later; its administrator must make room." },
  { codes: ["element_unavailable", "element_answer", "busy"], fr: "L'élément de sécurité de la plateforme ne répond pas, et rien ne se fait sans lui. Réessayez dans un instant.", en: "The platform’s security element does not answer, and nothing is done without it. Try again in a moment." },
  { codes: ["kind_not_served"], fr: "Cette version de la plateforme ne sait pas faire cela. Prévenez la personne qui l'administre.", en: "This version of the platform cannot do that. Tell the person who administers it." },
  { codes: ["application_unknown", "call_elsewhere", "call_expired", "call_early", "call_replayed", "session_key_invalid", "wrapped_key_invalid", "rule_not_served", "no_tenant_left"], fr: "L'appel de l'application n'a pas été accepté. C'est à la personne qui tient l'application de le corriger.", en: "The application's call was not taken. It is for whoever runs the application to correct it." },
  { codes: ["datum_unknown", "datum_inactive", "datum_expired", "datum_not_valid", "user_not_authorised", "grant_unknown"], fr: "La clé de cette donnée n'est pas donnée : elle est inconnue, désactivée, échue, ou l'autorisation manque. Adressez-vous à la personne à qui appartient la donnée.", en: "The key of this datum is not given out: it is unknown, deactivated or expired, or the authorisation is missing. Ask whose datum it is." },
  { codes: ["row_altered"], fr: "La base de données ne contient pas la version courante de cette donnée. Prévenez la personne qui administre.", en: "The database does not hold the current version of this datum. Tell the person who administers." },
  { codes: ["stale_version"], fr: "Quelqu'un a changé ceci entre-temps. Rechargez la page et recommencez.", en: "Someone changed this in the meantime. Reload the page and start again." },
  { codes: ["not_found"], fr: "Ceci n'existe pas, ou n'est pas à vous. Vérifiez le lien.", en: "This does not exist, or is not yours. Check the link." },
  { codes: ["malformed", "field_invalid", "document_malformed", "record_malformed"], fr: "La plateforme refuse cette saisie. Corrigez-la et recommencez.", en: "The platform refuses this entry. Correct it and try again." },
  { codes: ["field_fixed", "row_mismatch", "claim_refused", "serial_mismatch"], fr: "L'élément de sécurité refuse : cela changerait ce qui ne doit plus changer. Rechargez la page ; si cela dure, prévenez la personne qui administre.", en: "The security element refuses: this would change what may not change any more. Reload the page; if it goes on, tell the person who administers." },
];

const deposits: readonly Refusal[] = [
  { codes: ["key_unknown"], fr: "La clé pour laquelle ce brouillon était scellé ne vaut plus : l'organisation l'a retirée ou remplacée. Rien n'est déposé ; recommencez le dépôt, avec la nouvelle clé.", en: "The key that this draft was sealed for is no longer valid: the organisation withdrew or replaced it. Nothing is deposited; begin the deposit again, with the new key." },
  { codes: ["no_recipient_key", "no_key_manager"], fr: "L'organisation n'a pas de clé en cours de validité : elle ne peut rien recevoir. Elle doit remettre son gardien des clés en route ; réessayez plus tard.", en: "The organisation has no valid key at present: it can receive nothing. It has to restart its key manager; try again later." },
  { codes: ["already_there"], fr: "Autre chose a déjà été envoyé à cette place. Retirez le fichier et ajoutez-le de nouveau.", en: "Something else was sent in this place before. Remove the file and add it again." },
  { codes: ["already_sent"], fr: "Ce dossier est déjà déposé : on n'y ajoute plus rien. Commencez un nouveau dépôt pour un complément.", en: "This dossier is already deposited: nothing more can be added. Begin a new deposit for anything more." },
  { codes: ["withdrawn"], fr: "Ce dépôt a été retiré : vous l'avez fait, ou il est resté inachevé plus de trente jours. Rien n'a été transmis : commencez-en un nouveau.", en: "This deposit was withdrawn: you did it, or it was left unfinished for more than thirty days. Nothing was passed on: begin a new one." },
  { codes: ["too_many_drafts"], fr: "Vous avez déjà vingt dépôts inachevés. Retirez-en un sous « Mes dossiers » ; ceux qu'on laisse sont retirés au bout de trente jours.", en: "You already have twenty unfinished deposits. Withdraw one of them under “My dossiers”; those left alone are removed after thirty days." },
  { codes: ["draft_space_used_up"], fr: "Vos dépôts inachevés prennent toute la place qui leur est réservée. Retirez-en un sous « Mes dossiers », puis reprenez l'envoi.", en: "Your unfinished deposits take up all the space set aside for them. Withdraw one under “My dossiers”, then resume sending." },
  { codes: ["dossier_too_large"], fr: "Un dossier contient 8,5 Go au plus. Déposez-en plusieurs, ou retirez des fichiers.", en: "A dossier holds at most 8.5 GB. Make several deposits, or remove files." },
  { codes: ["too_many_files"], fr: "Un dossier contient 50 fichiers au plus. Réunissez-en quelques-uns, ou faites deux dépôts.", en: "A dossier holds at most 50 files. Join some of them, or make two deposits." },
  { codes: ["headers_changed"], fr: "Le dossier est scellé autrement que le gardien des clés ne le dit. Qu'il relise le dossier et recommence.", en: "The dossier is sealed otherwise than the key manager says. It must read the dossier again and begin again." },
  { codes: ["too_large", "header_too_large"], fr: "C'est trop volumineux pour la plateforme. Envoyez moins à la fois.", en: "This is too large for the platform. Send less at once." },
  { codes: ["part_too_large", "header_malformed"], fr: "Un morceau n'est pas comme la plateforme l'attend : c'est cette page qui est en faute. Rechargez-la et recommencez le dépôt.", en: "A piece is not as the platform expects it: this page is at fault. Reload it and begin the deposit again." },
  { codes: ["foreign_organisation"], fr: "Ce dossier est celui d'une autre organisation. Il ne s'ouvre pas d'ici.", en: "This dossier belongs to another organisation. It cannot be opened from here." },
  { codes: ["form_changed", "scheme_unknown"], fr: "L'organisation a publié une autre version de ce formulaire. Rechargez la page et recommencez le dépôt.", en: "The organisation published another version of this form. Reload the page and begin the deposit again." },
  { codes: ["answer_missing", "answer_kind", "answer_unknown"], fr: "Une réponse manque ou n'a pas la forme attendue. Revenez au formulaire et corrigez-la.", en: "An answer is missing or does not have the expected form. Go back to the form and correct it." },
  { codes: ["answer_in_clear"], fr: "Une réponse confidentielle allait partir sans être scellée. Elle n'a pas été gardée. Rechargez la page et recommencez.", en: "A confidential answer was about to leave unsealed. It was not kept. Reload the page and start again." },
  { codes: ["document_missing"], fr: "Cette aide demande des documents, et aucun n'est joint. Ajoutez-les, puis déposez.", en: "This scheme asks for documents, and none is attached. Add them, then deposit." },
  { codes: ["file_incomplete", "header_first"], fr: "Un fichier n'est pas arrivé en entier. Reprenez l'envoi, puis déposez.", en: "A file did not arrive whole. Resume sending, then deposit." },
  { codes: ["digest_mismatch"], fr: "Un morceau a été abîmé en route. Il est renvoyé automatiquement ; si cela dure, changez de réseau.", en: "A piece was damaged on its way. It is sent again automatically; if it goes on, change networks." },
  { codes: ["file_mismatch", "size_mismatch", "parts_mismatch"], fr: "Un fichier arrivé à la plateforme n'est pas celui de votre liste. Rien n'est déposé : retirez-le, ajoutez-le de nouveau et recommencez l'envoi.", en: "A file that reached the platform is not the one in your list. Nothing is deposited: remove it, add it again and send again." },
  { codes: ["hash_mismatch", "another_manifest"], fr: "La liste signée ne correspond pas à ce que la plateforme a reçu. Reprenez l'envoi ; si cela dure, ne déposez pas ici et prévenez l'organisation.", en: "The signed list does not match what the platform received. Resume sending; if it goes on, do not deposit here and tell the organisation." },
  { codes: ["recipient_mismatch"], fr: "Un fichier n'est pas scellé pour ce dossier-ci. Rien n'est déposé : rechargez la page et recommencez le dépôt.", en: "A file is not sealed for this very dossier. Nothing is deposited: reload the page and begin the deposit again." },
  { codes: ["dossier_unknown"], fr: "Ce dossier n'est pas connu de l'élément de sécurité. Commencez un nouveau dépôt.", en: "The security element does not know this dossier. Begin a new deposit." },
  { codes: ["already_decided"], fr: "Une décision définitive a déjà été prise ; elle reste.", en: "A final decision was taken before; it stands." },
  { codes: ["reading_expired", "ticket_invalid"], fr: "Ce lien a déjà servi, ou la lecture a expiré. Ouvrez de nouveau le dossier depuis la liste.", en: "This link was used already, or the reading has expired. Open the dossier again from the list." },
];

const intake: readonly Refusal[] = [
  { codes: ["infected"], fr: "L'antivirus a trouvé un logiciel malveillant dans ce document. Il n'a pas été pris, et rien n'en reste. Contrôlez votre appareil, puis envoyez une autre copie.", en: "The antivirus found malicious software in this document. It was not taken, and nothing of it stays. Scan your device, then send another copy." },
  { codes: ["encrypted"], fr: "Ce document est protégé par un mot de passe : l'antivirus ne peut pas le contrôler. Envoyez-en une copie sans mot de passe.", en: "This document is protected by a password: the antivirus cannot check it. Send a copy without a password." },
  { codes: ["unscannable"], fr: "Ce document se déplie en trop de choses pour être contrôlé en entier. Envoyez-en une copie simple.", en: "This document unfolds into too much to be checked whole. Send a plain copy of it." },
  { codes: ["wrong_type"], fr: "Ce fichier n'est pas un PDF, un JPEG ou un PNG, ou n'est pas ce que dit son nom. Envoyez-en un de ces types.", en: "This file is not a PDF, JPEG or PNG, or not what its name says. Send one of these kinds." },
  { codes: ["two_types"], fr: "Ce fichier est à la fois un document et une archive. Imprimez-le dans un nouveau PDF, et envoyez celui-ci.", en: "This file is a document and an archive at once. Print it to a new PDF, and send that." },
  { codes: ["file_name"], fr: "Le nom de ce fichier ne peut pas être pris. Renommez-le simplement et ajoutez-le de nouveau.", en: "The name of this file cannot be taken. Rename it plainly and add it again." },
  { codes: ["file_too_large"], fr: "Ce fichier est plus gros que ce que le guichet peut contrôler. Envoyez-en une copie plus légère.", en: "This file is larger than the intake can check. Send a lighter copy." },
  { codes: ["wrong_size", "upload_cut", "not_waiting"], fr: "Ce fichier n'est pas arrivé en entier, et rien n'en reste. Reprenez l'envoi.", en: "This file did not arrive whole, and nothing of it stays. Resume sending." },
  { codes: ["intake_too_many_files"], fr: "Un dossier contient 50 fichiers au plus. Réunissez plusieurs documents en un seul fichier.", en: "A dossier holds at most 50 files. Join several documents into one file." },
  { codes: ["form_incomplete"], fr: "Le formulaire ou la liste des documents n'est pas complet. Revenez en arrière et complétez-les.", en: "The form or the list of documents is not complete. Go back and complete them." },
  { codes: ["antivirus_away", "intake_busy", "platform_away"], fr: "Le contrôle n'est pas possible à l'instant. Rien n'est perdu : l'envoi reprendra.", en: "The check is not possible at the moment. Nothing is lost: sending will go on." },
  { codes: ["unknown_deposit", "grant_invalid"], fr: "Le guichet de contrôle ne connaît plus cet envoi. Reprenez-le : il recommencera au début.", en: "The intake does not know this sending any more. Resume it: it will begin anew." },
  { codes: ["not_proven"], fr: "Ce que la plateforme a dit au guichet de contrôle n'est pas prouvé par le registre. Rien n'a été scellé. Prévenez l'organisation par un autre moyen.", en: "What the platform told the intake is not proven by the log. Nothing was sealed. Tell the organisation by other means." },
  { codes: ["too_slow"], fr: "Ce document arrive trop lentement, et sa place a été rendue. Reprenez l'envoi, si possible avec une meilleure connexion.", en: "This document arrives too slowly, and its place was given to others. Resume sending, over a better connection if you can." },
  { codes: ["too_many_at_once"], fr: "Trop de documents partent d'ici à la fois. Reprenez l'envoi dans un instant.", en: "Too many documents are on their way from here at once. Resume sending in a moment." },
  { codes: ["another_dossier"], fr: "La plateforme a nommé au guichet de contrôle un autre dossier que le vôtre. Rien n'a été envoyé. Ne déposez pas ici, et prévenez l'organisation par un autre moyen.", en: "The platform named another dossier than yours to the intake. Nothing was sent. Do not deposit here, and tell the organisation by other means." },
  { codes: ["another_intake"], fr: "Cette aide ne nomme pas le guichet de contrôle de cette plateforme. L'organisation doit la publier à nouveau : prévenez-la.", en: "This scheme does not name the intake of this platform. The organisation must publish it anew: tell it." },
  { codes: ["no_intake", "intake_unproven"], fr: "Le guichet qui contrôle les documents n'est pas en service sur cette plateforme. Rien n'est parti. Réessayez plus tard ; si cela dure, prévenez la personne qui l'administre.", en: "The intake that checks documents is not in service on this platform. Nothing has left. Try again later; if it goes on, tell the person who administers it." },
  { codes: ["scanned_only", "sealed_only"], fr: "Les documents pour cette aide arrivent par un autre chemin : cette page est en faute. Rechargez-la et recommencez.", en: "Documents for this scheme come in another way: this page is at fault. Reload it and begin again." },
  { codes: ["not_scanned"], fr: "Un document n'a pas été contrôlé. Rien n'est déposé : reprenez l'envoi.", en: "A document was not checked. Nothing is deposited: resume sending." },
];

export const REFUSALS: readonly Refusal[] = [...people, ...platform, ...deposits, ...intake];

/** The words of one language, by code. */
export function byCode(language: "fr" | "en"): Record<string, string> {
  return Object.fromEntries(REFUSALS.flatMap((one) => one.codes.map((code) => [code, one[language]])));
}
