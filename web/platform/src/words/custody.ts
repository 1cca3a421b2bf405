import { words } from "@sceau/shared";

/** The words of the drawing of who holds which key. */
export const custody = words({
  fr: {
    label: "Qui tient le document, qui tient la clé",
    you: "Vous",
    platform: "Sceau",
    recipient: "L'organisation",
    no: "aucune clé",
    key: "la clé",
    story: {
      you: "Vos documents sont lisibles chez vous. Votre navigateur les scelle avant de les envoyer.",
      platform: "Garde et transporte des enveloppes fermées, qu'il ne peut pas ouvrir.",
      recipient: "Ouvre chez elle, avec la seule clé. Chaque ouverture est inscrite.",
    },
    yours: {
      draft: "Vos documents sont encore chez vous, lisibles de vous seul.",
      sealing: "Votre navigateur met chaque document sous scellés.",
      sent: "Vous gardez les originaux.",
      signed: "Vous gardez les originaux. Votre clé d'accès a signé l'envoi.",
    },
    platforms: {
      draft: "Rien encore.",
      sealing: "Reçoit des enveloppes fermées. N'a aucune clé.",
      sent: "Garde l'enveloppe fermée. N'a aucune clé.",
    },
    recipients: {
      draft: "Tient la seule clé, chez elle.",
      sent: "Tient la seule clé. N'a pas encore ouvert.",
      opened: "A ouvert l'enveloppe, chez elle. C'est inscrit.",
      decided: "A ouvert, lu et décidé. C'est inscrit.",
    },
  },
  en: {
    label: "Who holds the document, who holds the key",
    you: "You",
    platform: "Sceau",
    recipient: "The organisation",
    no: "no key",
    key: "the key",
    story: {
      you: "Your documents are readable at home. Your browser seals them before it sends them.",
      platform: "Keeps and carries closed envelopes, which it cannot open.",
      recipient: "Opens on its premises, with the only key. Every opening is written down.",
    },
    yours: {
      draft: "Your documents are still with you, readable by you alone.",
      sealing: "Your browser puts each document under seal.",
      sent: "You keep the originals.",
      signed: "You keep the originals. Your passkey signed the deposit.",
    },
    platforms: {
      draft: "Nothing yet.",
      sealing: "Receives closed envelopes. Has no key.",
      sent: "Keeps the envelope closed. Has no key.",
    },
    recipients: {
      draft: "Holds the only key, on its premises.",
      sent: "Holds the only key. Has not opened yet.",
      opened: "Opened the envelope, on its premises. It is written down.",
      decided: "Opened, read and decided. It is written down.",
    },
  },
});
