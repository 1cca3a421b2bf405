//! The letters sent at each step: French, then English, and nothing that a postman should not read.
//!
//! A letter names the organisation, which is public, and links to the dossier. It holds no file name, no answer, no reason: those
//! wait behind the sign-in.

use serde::{Deserialize, Serialize};

use sceau_element_api::documents::DossierPhase;

use crate::state;

/// The topic of letters in the outbox.
pub const LETTERS: &str = "letter";

/// What happened, with what the letter says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case", deny_unknown_fields)]
pub enum Letter {
    /// To the citizen: the dossier arrived.
    Deposited {
        /// Name of the organisation.
        organisation: String,
        /// Address of the dossier's page.
        link: String,
    },
    /// To the organisation's contact: a dossier waits.
    Waiting {
        /// Address of the organisation's list.
        link: String,
    },
    /// To the citizen: the dossier was opened for the first time.
    Opened {
        /// Name of the organisation.
        organisation: String,
        /// Address of the dossier's page.
        link: String,
    },
    /// To the citizen: the organisation decided.
    Decided {
        /// Name of the organisation.
        organisation: String,
        /// Stable name of the state that follows.
        state: String,
        /// Address of the dossier's page.
        link: String,
    },
}

/// Subject and body, ready for the mail folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Plain text, UTF-8.
    pub body: String,
}

impl Letter {
    /// The words.
    pub fn text(&self) -> Text {
        match self {
            Self::Deposited { organisation, link } => bilingual(
                "Votre dossier est déposé / Your dossier has been deposited",
                &format!(
                    "Votre dossier pour {organisation} est déposé et scellé\u{a0}: seule cette organisation peut l’ouvrir.\n\
                     Vous voyez à tout moment qui l’a ouvert\u{a0}:\n{link}"
                ),
                &format!(
                    "Your dossier for {organisation} has been deposited and sealed: only that organisation can open it.\n\
                     You can see at any time who has opened it:\n{link}"
                ),
            ),
            Self::Waiting { link } => bilingual(
                "Un dossier vous attend / A dossier is waiting for you",
                &format!("Un nouveau dossier scellé attend d’être instruit\u{a0}:\n{link}"),
                &format!("A new sealed dossier is waiting for you:\n{link}"),
            ),
            Self::Opened { organisation, link } => bilingual(
                "Votre dossier a été ouvert / Your dossier has been opened",
                &format!(
                    "{organisation} a ouvert votre dossier pour la première fois. Le détail et sa preuve\u{a0}:\n{link}"
                ),
                &format!(
                    "{organisation} has opened your dossier for the first time. The detail and its proof:\n{link}"
                ),
            ),
            Self::Decided { organisation, state, link } => {
                let (fr, en) = decision_words(state);
                bilingual(
                    "Une décision sur votre dossier / A decision on your dossier",
                    &format!("{organisation} {fr} Le motif est sur votre page\u{a0}:\n{link}"),
                    &format!("{organisation} {en} The reason is on your page:\n{link}"),
                )
            }
        }
    }
}

fn decision_words(state: &str) -> (&'static str, &'static str) {
    match state::from_name(state) {
        Some(DossierPhase::Accepted) => ("a accepté votre demande.", "has accepted your request."),
        Some(DossierPhase::Refused) => ("a refusé votre demande.", "has refused your request."),
        _ => ("vous demande un complément.", "asks you for more information."),
    }
}

fn bilingual(subject: &str, fr: &str, en: &str) -> Text {
    Text {
        subject: subject.to_owned(),
        body: format!(
            "Bonjour,\n\n{fr}\n\nCe message ne contient volontairement aucun détail.\n\n---\n\nHello,\n\n{en}\n\n\
             This message deliberately contains no detail.\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_letter_speaks_both_languages_and_links() {
        let letter = Letter::Decided {
            organisation: "Métropole".to_owned(),
            state: "refused".to_owned(),
            link: "http://sceau.localhost/dossiers/1".to_owned(),
        };
        let text = letter.text();
        assert!(text.body.contains("a refusé votre demande"));
        assert!(text.body.contains("has refused your request"));
        assert!(text.body.contains("http://sceau.localhost/dossiers/1"));
    }
}
