import { words } from "@sceau/shared";

export const welcome = words({
  fr: {
    title: "Vos documents, lus par leur destinataire. Par personne d'autre.",
    lead: "Pièce d'identité, bulletin de salaire, certificat médical : votre navigateur les met sous scellés avant l'envoi. Seule l'organisation à qui vous écrivez tient la clé.",
    action: "Déposer des documents",
    actionOfficer: "Voir les dossiers reçus",
    actionAdmin: "Administrer les aides",
    actionPlatform: "Administrer les organisations",
    drawing: "Qui tient quoi",
    who: {
      title: "Qui peut lire quoi",
      lead: "Ce que chacun voit d'un dossier, une fois déposé.",
      what: "Ce que contient un dossier",
      columns: { you: "Vous", platform: "Sceau", recipient: "L'organisation" },
      reads: "lit",
      blind: "ne lit pas",
      rows: [
        "Le contenu de vos documents",
        "Leurs noms et leurs types",
        "Vos réponses sensibles",
        "Vos autres réponses",
        "La taille des fichiers, les dates",
        "Votre nom et votre courriel",
      ],
      note: "« Sceau » veut dire aussi : son hébergeur, ses administrateurs, ses sauvegardes, et qui les volerait.",
    },
    proof: {
      title: "Chaque ouverture laisse une preuve",
      text: "Avant d'ouvrir un document, l'organisation doit l'inscrire dans un registre que personne ne peut réécrire, pas même nous. Vous voyez qui a ouvert, et quand ; votre navigateur vérifie la preuve lui-même.",
      link: "Lire et vérifier la trace",
    },
    limits: {
      title: "Ce que nous ne pouvons pas promettre",
      text: "Ces pages viennent de Sceau. Une plateforme malhonnête pourrait vous en servir d'autres, truquées. Leur code est ouvert, mais rien ne prouve que ce soit lui qui vous est servi ; pour s'en passer tout à fait, le programme en ligne de commande scelle sans navigateur.",
    },
  },
  en: {
    title: "Your documents, read by the one they are for. By no one else.",
    lead: "Identity card, payslip, medical certificate: your browser puts them under seal before sending. Only the organisation that you write to holds the key.",
    action: "Deposit documents",
    actionOfficer: "See received dossiers",
    actionAdmin: "Manage schemes",
    actionPlatform: "Manage organisations",
    drawing: "Who holds what",
    who: {
      title: "Who can read what",
      lead: "What each one sees of a dossier once it is deposited.",
      what: "What a dossier holds",
      columns: { you: "You", platform: "Sceau", recipient: "The organisation" },
      reads: "reads",
      blind: "cannot read",
      rows: [
        "What is in your documents",
        "Their names and types",
        "Your sensitive answers",
        "Your other answers",
        "File sizes and dates",
        "Your name and e-mail",
      ],
      note: "“Sceau” also means: its host, its administrators, its backups, and whoever would steal them.",
    },
    proof: {
      title: "Every opening leaves a proof",
      text: "Before it opens a document, the organisation has to write it in a log that no one can rewrite, not even us. You see who opened and when; your browser checks the proof itself.",
      link: "Read and check the trace",
    },
    limits: {
      title: "What we cannot promise",
      text: "These pages come from Sceau. A dishonest platform could serve you other ones, rigged. Their code is open, but nothing proves that it is what you are served; to do without them altogether, the command-line program seals without a browser.",
    },
  },
});
