//! A platform's procedure, step by step, in the person's words.

use serde::Deserialize;

use super::{ClientNaming, ProfileError, setting};

/// One step. `<EDITEUR>` and `<FOLDER>` stand in its texts for the name of the software and the folder with the files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called by: `test-request`.
    pub id: String,
    /// For which of the publisher's own certificates.
    pub of: Option<String>,
    /// What shows that it is done; none where only the person knows.
    pub done: Option<Done>,
    /// In French.
    pub fr: StepWords,
    /// In English.
    pub en: StepWords,
}

/// A step in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepWords {
    /// In a few words.
    pub title: String,
    /// What to do.
    pub text: String,
}

/// What is there once a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Key and request.
    Request,
    /// The certificate.
    Certificate,
    /// The certificates of the authorities.
    Issuer,
    /// Key, certificate and issuer in one file.
    Bundle,
}

/// What a step says of a certificate is of one that the profile has.
pub(super) fn check(steps: &[Step], clients: &[ClientNaming]) -> Result<(), ProfileError> {
    for step in steps {
        let known = |id: &String| clients.iter().any(|client| client.id == *id);
        let place = format!("step {}, of", step.id);
        if step.of.as_ref().is_some_and(|id| !known(id)) {
            return Err(setting(&place, "there is no [[client]] of this id"));
        }
        if step.done.is_some() && step.of.is_none() {
            return Err(setting(&place, "what is done is seen in the files of a [[client]]: name it"));
        }
    }
    Ok(())
}
