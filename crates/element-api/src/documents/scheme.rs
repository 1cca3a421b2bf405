//! A scheme and its form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, IntakeHost, field, text, version_one};
use crate::{Kind, OrganisationId, RowId, SchemeId};

/// What an organisation asks for. The hash of its bytes is the manifest's `form_hash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeDocument {
    /// Format version, 1.
    pub v: u32,
    /// The scheme.
    pub scheme: SchemeId,
    /// The organisation that publishes it.
    pub organisation: OrganisationId,
    /// Its title, at most 200 characters.
    pub title: Text,
    /// What it is for, at most 5,000 characters.
    pub description: Text,
    /// The questions, at most 100.
    pub form: Vec<FormField>,
    /// The documents asked for, at most 50.
    pub documents: Vec<RequestedFile>,
    /// Which way deposits come in.
    #[serde(default, skip_serializing_if = "Intake::is_sealed")]
    pub intake: Intake,
    /// The intake that the organisation trusts; exactly where documents come in through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_host: Option<IntakeHost>,
}

/// Which way the documents of a deposit come in: in one way alone, so that nobody chooses the weaker check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intake {
    /// The depositor's own machine seals; nobody on the way can look.
    #[default]
    Sealed,
    /// The intake sees each file for a moment, has it scanned, and seals what is clean.
    Scanned,
}

impl Intake {
    /// Whether it is the default, which documents do not spell out.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        *self == Self::Sealed
    }

    /// The text, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Scanned => "scanned",
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

/// A question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// Its name in manifests: 1 to 64 of `a-z 0-9 _ -`.
    pub name: String,
    /// Its label.
    pub label: Text,
    /// What kind of answer it takes.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
    /// Whether its answer is sealed with the files.
    pub sensitive: bool,
    /// The answers to choose from; only for [`FieldKind::Choice`], at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// What kind of answer a question takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Free text.
    Text,
    /// A number.
    Number,
    /// A calendar date.
    Date,
    /// One of several.
    Choice,
    /// Yes or no.
    Checkbox,
}

/// An answer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its value in manifests, at most 200 characters.
    pub value: String,
    /// Its label.
    pub label: Text,
}

/// A document that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedFile {
    /// Its name: 1 to 64 of `a-z 0-9 _ -`.
    pub name: String,
    /// Its label.
    pub label: Text,
    /// Whether it must be given.
    pub required: bool,
}

impl Document for SchemeDocument {
    const KIND: Kind = Kind::Scheme;

    fn row(&self) -> RowId {
        self.scheme.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(self.title.within(200, false), "title", "1 to 200 characters in each language")?;
        field(self.description.within(5000, true), "description", "1 to 5,000 characters in each language")?;
        field(self.form.len() <= 100, "form", "at most 100 questions")?;
        field(self.documents.len() <= 50, "documents", "at most 50 documents")?;
        let scanned = self.intake == Intake::Scanned;
        field(scanned == self.intake_host.is_some(), "intake_host", "present exactly for scanned intake")?;
        let named = self.intake_host.as_ref().is_none_or(IntakeHost::is_well_formed);
        field(named, "intake_host", "https://host[:port] and an Ed25519 key of 32 bytes")?;
        let names = self.form.iter().map(|f| &f.name).collect::<BTreeSet<_>>();
        field(names.len() == self.form.len(), "form", "names that differ")?;
        let names = self.documents.iter().map(|d| &d.name).collect::<BTreeSet<_>>();
        field(names.len() == self.documents.len(), "documents", "names that differ")?;
        self.form.iter().try_for_each(FormField::check)?;
        self.documents.iter().try_for_each(RequestedFile::check)
    }
}

impl Text {
    fn within(&self, max: usize, lines: bool) -> bool {
        text(&self.fr, max, lines) && text(&self.en, max, lines)
    }
}

impl FormField {
    fn check(&self) -> Result<(), DocumentError> {
        field(is_name(&self.name), "form.name", "1 to 64 of a-z, 0-9, _ and -")?;
        field(self.label.within(300, false), "form.label", "1 to 300 characters in each language")?;
        let choice = self.kind == FieldKind::Choice;
        field(choice != self.choices.is_empty(), "form.choices", "present exactly for a choice")?;
        field(self.choices.len() <= 100, "form.choices", "at most 100 answers")?;
        let well_made = |c: &Choice| text(&c.value, 200, false) && c.label.within(300, false);
        field(self.choices.iter().all(well_made), "form.choices", "a value and a label in each language")
    }
}

impl RequestedFile {
    fn check(&self) -> Result<(), DocumentError> {
        field(is_name(&self.name), "documents.name", "1 to 64 of a-z, 0-9, _ and -")?;
        field(self.label.within(300, false), "documents.label", "1 to 300 characters in each language")
    }
}

/// A name of a field or document.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}
