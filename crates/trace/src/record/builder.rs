use super::{Action, Actor, Asserted, Attested, Outcome, Record, Subject, WireRecord};
use crate::RecordError;
use std::collections::BTreeMap;

/// Puts a record together; [`build`](Self::build) checks it.
#[derive(Clone, Debug)]
#[must_use]
pub struct RecordBuilder {
    wire: WireRecord,
}

impl RecordBuilder {
    pub(super) fn new(time: u64, actor: Actor, asserted: Asserted, action: Action) -> Self {
        let wire = WireRecord {
            action,
            actor,
            asserted,
            attested: None,
            code: String::new(),
            detail: BTreeMap::new(),
            organisation: None,
            outcome: Outcome::Intent,
            subjects: Vec::new(),
            time,
            v: 1,
        };
        RecordBuilder { wire }
    }

    /// The act was allowed and done.
    pub fn granted(mut self) -> Self {
        self.wire.outcome = Outcome::Granted;
        self.wire.code.clear();
        self
    }

    /// The act was refused, for the reason that this stable code names.
    pub fn refused(mut self, code: impl Into<String>) -> Self {
        self.wire.outcome = Outcome::Refused;
        self.wire.code = code.into();
        self
    }

    /// One more thing that the act is about. The kind is lower case, the id a uuid or hex.
    pub fn subject(mut self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.wire.subjects.push(Subject { id: id.into(), kind: kind.into() });
        self
    }

    /// The organisation concerned (uuid).
    pub fn organisation(mut self, id: impl Into<String>) -> Self {
        self.wire.organisation = Some(id.into());
        self
    }

    /// The attestation that this record makes.
    pub fn attested(mut self, attested: Attested) -> Self {
        self.wire.attested = Some(attested);
        self
    }

    /// A further fact; a second one of the same name replaces it. Never personal data, nor free text.
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.wire.detail.insert(name.into(), value.into());
        self
    }

    /// The record, if all of its fields may be logged.
    pub fn build(self) -> Result<Record, RecordError> {
        Record::try_from(self.wire)
    }
}
