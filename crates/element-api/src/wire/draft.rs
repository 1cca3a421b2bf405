//! A record as the platform proposes it. Time and assertion are the element's to stamp, so that they cannot be claimed.

use std::collections::BTreeMap;

use sceau_trace::{Action, Actor, Asserted, Outcome, Record, RecordError, Subject};
use serde::{Deserialize, Serialize};

/// The parts of a trace record that its author chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordDraft {
    /// Who acts.
    pub actor: Actor,
    /// What is done.
    pub action: Action,
    /// Where it stands.
    pub outcome: Outcome,
    /// Why it was refused; empty otherwise.
    #[serde(default)]
    pub code: String,
    /// What it is about.
    #[serde(default)]
    pub subjects: Vec<Subject>,
    /// The organisation concerned.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Further facts; never personal data.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
}

impl RecordDraft {
    /// A draft of an intent; refine it with the methods below.
    #[must_use]
    pub fn new(actor: Actor, action: Action) -> Self {
        Self {
            actor,
            action,
            outcome: Outcome::Intent,
            code: String::new(),
            subjects: Vec::new(),
            organisation: None,
            detail: BTreeMap::new(),
        }
    }

    /// It was allowed and done.
    #[must_use]
    pub fn granted(mut self) -> Self {
        self.outcome = Outcome::Granted;
        self.code.clear();
        self
    }

    /// It was refused, for the reason that this stable code names.
    #[must_use]
    pub fn refused(mut self, code: impl Into<String>) -> Self {
        self.outcome = Outcome::Refused;
        self.code = code.into();
        self
    }

    /// One more thing that it is about.
    #[must_use]
    pub fn subject(mut self, kind: impl Into<String>, id: impl ToString) -> Self {
        self.subjects.push(Subject { id: id.to_string(), kind: kind.into() });
        self
    }

    /// The organisation concerned.
    #[must_use]
    pub fn organisation(mut self, id: impl ToString) -> Self {
        self.organisation = Some(id.to_string());
        self
    }

    /// A further fact.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.detail.insert(name.into(), value.into());
        self
    }

    /// The record, stamped.
    ///
    /// # Errors
    /// When a field may not be logged.
    pub fn into_record(self, time: u64, asserted: Asserted) -> Result<Record, RecordError> {
        let mut builder = Record::builder(time, self.actor, asserted, self.action);
        builder = match self.outcome {
            Outcome::Intent => builder,
            Outcome::Granted => builder.granted(),
            Outcome::Refused => builder.refused(self.code),
        };
        for subject in self.subjects {
            builder = builder.subject(subject.kind, subject.id);
        }
        for (name, value) in self.detail {
            builder = builder.detail(name, value);
        }
        if let Some(organisation) = self.organisation {
            builder = builder.organisation(organisation);
        }
        builder.build()
    }
}
