//! Letters to the people who look after the keys: what is due, what is destroyed, what the platform's log says that it must not.
//!
//! The key manager sends them itself, through its organisation's own mail server. The platform could send them too, and is the one that a key which
//! is not acknowledged or a foreign statement speaks against: it would be free to lose the letter. A letter names a key by the beginning of its id,
//! never a person, and waits in the outbox until it is taken.

use sceau_store::{DeliveryError, Mail, Mailer, Message, Transaction};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::manager::KeyManager;

/// The outbox topic.
pub(crate) const TOPIC: &str = "letter";
/// The one kind that is neither of the calendar's nor an alarm's.
pub(crate) const KEY_DESTROYED: &str = "key_destroyed";

/// Who carries letters, and to whom.
#[derive(Debug, Clone)]
pub struct LetterSettings {
    /// Carries them.
    pub mailer: Mailer,
    /// Address of those who look after the keys, without a display name.
    pub to: String,
}

/// What a letter is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// As the calendar, or the alarm, names it.
    pub(crate) kind: String,
    /// The key or certificate.
    pub(crate) subject: Option<String>,
    /// When it is too late, in Unix milliseconds.
    pub(crate) by: Option<u64>,
}

impl KeyManager {
    /// Has a letter sent once the transaction commits; nothing where nobody is to be told.
    pub(crate) async fn post(&self, transaction: &mut Transaction, letter: &Letter) -> Result<(), Error> {
        if self.settings().letters.is_some() {
            self.outbox().enqueue(transaction, TOPIC, letter).await?;
        }
        Ok(())
    }

    pub(crate) async fn deliver_letter(&self, message: &Message) -> Result<(), DeliveryError> {
        let letter: Letter = message.parse()?;
        let Some(LetterSettings { mailer, to }) = &self.settings().letters else { return Ok(()) };
        let (subject, text) = letter.text(self.organisation_name(), self.address());
        mailer.deliver(&Mail { to: to.clone(), subject, text }, message).await
    }
}

/// French and English of each kind, in a sentence that goes on to what it is about.
const WORDS: [(&str, &str, &str); 11] = [
    (
        "next_key_not_published",
        "la clé suivante n'est pas publiée, et celle-ci expire",
        "the next key is not published, and this one expires",
    ),
    (
        "key_not_acknowledged",
        "la plateforme n'a pas pris acte d'une clé",
        "the platform has not acknowledged a key",
    ),
    ("server_certificate_expires", "le certificat du serveur expire", "the server's certificate expires"),
    ("client_certificate_expires", "un certificat client expire", "a client certificate expires"),
    (
        "key_may_leave",
        "une clé peut désormais sortir du coffre qui la garde",
        "a key may leave the Vault that keeps it",
    ),
    ("backup_old", "la dernière sauvegarde est trop ancienne", "the last backup is too old"),
    (
        "mob_key_not_taken",
        "un financeur de Mon Compte Mobilité n'a pas pris une clé",
        "a funder of Mon Compte Mobilité has not taken a key",
    ),
    ("mob_key_expires", "une clé de Mon Compte Mobilité expire", "a key of Mon Compte Mobilité expires"),
    (KEY_DESTROYED, "une clé a été détruite", "a key was destroyed"),
    (
        "foreign_statement",
        "le registre contient une clé que ce gardien n'a pas faite",
        "the log holds a key that this key manager did not make",
    ),
    (
        "",
        "le registre de la plateforme dit ce qu'il ne devrait pas dire",
        "the platform's log says what it must not",
    ),
];

impl Letter {
    /// Subject and body, French then English.
    fn text(&self, organisation: &str, address: &str) -> (String, String) {
        let known = WORDS.iter().find(|(kind, ..)| *kind == self.kind).or(WORDS.last());
        let (_, french, english) = known.copied().unwrap_or_default();
        let subject = format!("Gardien des clés / Key manager: {french} / {english}");
        let about = self.subject.as_deref().unwrap_or("-");
        let about: String = about.chars().take(16).collect();
        let by = self.by.and_then(day);
        let line = |label: &str| by.as_ref().map_or_else(String::new, |day| format!("{label}: {day}\n"));
        let text = format!(
            "{organisation} : {french}.\n{}: {about}\n{}{} : {address}/administration\n\n\
             {organisation}: {english}.\n{}: {about}\n{}{}: {address}/administration\n\n({})\n",
            "Clé ou certificat ",
            line("Avant le "),
            "Voir",
            "Key or certificate",
            line("Before"),
            "See",
            self.kind,
        );
        (subject, text)
    }
}

fn day(milliseconds: u64) -> Option<String> {
    let seconds = i64::try_from(milliseconds / 1000).ok()?;
    let form = time::macros::format_description!("[year]-[month]-[day]");
    time::OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(form).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_letter_says_what_and_by_when_in_both_languages() {
        let letter = Letter {
            kind: "key_not_acknowledged".to_owned(),
            subject: Some("ab".repeat(32)),
            by: Some(1_795_176_000_000),
        };
        let (subject, text) = letter.text("Région", "https://cles.example");
        assert!(subject.contains("n'a pas pris acte") && subject.contains("has not acknowledged"));
        assert!(text.contains("abababababababab\n") && text.contains("2026-11-20"), "{text}");
        assert!(text.contains("https://cles.example/administration"));
        let alarm = Letter { kind: "foreign_decision".to_owned(), subject: None, by: None };
        assert!(alarm.text("Région", "https://cles.example").0.contains("says what it must not"));
    }
}
