//! What a depositor sends, made by the depositor's browser.

use std::collections::{BTreeMap, BTreeSet};

use sceau_crypto::{FileId, KeyId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::scheme::is_name;
use super::{Document, DocumentError, field, version_one};
use crate::{DossierId, Kind, OrganisationId, RowId, SchemeId};

/// The longest word of an intake, in bytes: about twice what one takes, so that 200 files fit.
const MAX_WORD: usize = 1024;

/// The list of what a dossier holds, hash by hash: what was sent is what was meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format version, 1.
    pub v: u32,
    /// The dossier.
    pub dossier: DossierId,
    /// The organisation that it is sealed for.
    pub organisation: OrganisationId,
    /// The scheme that it answers.
    pub scheme: SchemeId,
    /// SHA-256 of the scheme document's bytes as they were served.
    pub form_hash: Hash,
    /// The answers.
    pub answers: Answers,
    /// The sealed files, at most 200; the sealed answers are one of them.
    pub files: Vec<SealedFile>,
    /// The recipient key that everything is sealed to.
    pub key_id: KeyId,
    /// When the browser made it, in Unix milliseconds (its own clock).
    pub created: u64,
    /// For a scheme with scanned intake: the intake's signed word on each file, in the order of the files. Not written where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// The answers of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Answers that are metadata: the platform reads them.
    pub public: BTreeMap<String, AnswerValue>,
    /// Answers marked sensitive: one more sealed file, `answers.json`.
    pub sealed: Option<SealedAnswers>,
}

/// A public answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnswerValue {
    /// Of a checkbox.
    Flag(bool),
    /// Of a number.
    Number(serde_json::Number),
    /// Of a text, date or choice; at most 5,000 characters.
    Text(String),
}

/// The sealed answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedAnswers {
    /// The hash of their envelope, which is one of the listed files.
    pub envelope_hash: Hash,
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// The file.
    pub file_id: FileId,
    /// The hash of its envelope: of the list of its segments' hashes.
    pub envelope_hash: Hash,
    /// The length of the plaintext, in bytes.
    pub size: u64,
    /// The number of segments.
    pub parts: u32,
}

impl Document for Manifest {
    const KIND: Kind = Kind::Manifest;

    fn row(&self) -> RowId {
        self.dossier.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(self.files.len() <= 200, "files", "at most 200 files")?;
        let ids = self.files.iter().map(|f| f.file_id).collect::<BTreeSet<_>>();
        field(ids.len() == self.files.len(), "files", "file ids that differ")?;
        field(self.files.iter().all(|f| f.parts >= 1), "files.parts", "at least one segment")?;
        let sealed = self.answers.sealed.as_ref();
        let listed = |s: &SealedAnswers| self.files.iter().any(|f| f.envelope_hash == s.envelope_hash);
        field(sealed.is_none_or(listed), "answers.sealed", "the envelope hash of a listed file")?;
        field(self.words.iter().all(|word| word.len() <= MAX_WORD), "words", "at most 1,024 bytes each")?;
        field(self.answers.public.len() <= 100, "answers.public", "at most 100 answers")?;
        field(self.answers.public.keys().all(|name| is_name(name)), "answers.public", "names of the form")?;
        let bounded = |value: &AnswerValue| match value {
            AnswerValue::Text(text) => text.chars().count() <= 5000,
            AnswerValue::Flag(_) | AnswerValue::Number(_) => true,
        };
        field(
            self.answers.public.values().all(bounded),
            "answers.public",
            "texts of at most 5,000 characters",
        )
    }
}
