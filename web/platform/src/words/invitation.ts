import { words } from "@sceau/shared";

export const invitation = words({
  fr: {
    title: "Une invitation pour vous",
    as: (role: string, name: string) => (name ? `${name} vous invite comme ${role}.` : `Elle donne à votre compte la fonction : ${role}.`),
    lead: "Votre clé d'accès sera votre signature : rien ne se fait en votre nom sans votre geste. Gardez-la sur un appareil qui est le vôtre.",
    name: "Nom et prénom",
    email: "Adresse électronique",
    action: "Accepter et créer ma clé d'accès",
    busy: "Votre appareil attend votre geste…",
    none: "Ce lien est incomplet : il lui manque l'invitation. Ouvrez-le de nouveau depuis le message reçu, en entier.",
    cancelled: "Le geste n'a pas été fait. L'invitation sert encore ; vous pouvez recommencer.",
  },
  en: {
    title: "An invitation for you",
    as: (role: string, name: string) => (name ? `${name} invites you as ${role}.` : `It gives your account the role of ${role}.`),
    lead: "Your passkey will be your signature: nothing is done in your name without your gesture. Keep it on a device of your own.",
    name: "Full name",
    email: "E-mail address",
    action: "Accept and create my passkey",
    busy: "Your device is waiting for your gesture…",
    none: "This link is incomplete: the invitation is missing from it. Open it again, whole, from the message that you received.",
    cancelled: "The gesture was not made. The invitation still works; you can try again.",
  },
});
