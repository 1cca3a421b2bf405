//! What the platform's log holds of this key manager that it does not know: after a backup, what happened since.

use sceau_trace::{Action, Outcome, Record};

use super::{FOREIGN_DECISION, FOREIGN_STATEMENT};
use crate::error::Error;
use crate::link::Link;
use crate::manager::{KeyManager, Watching};
use crate::register::TAG;

/// How much of ours the log holds that is not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Records of our trace.
    pub records: u64,
    /// Key statements.
    pub statements: u64,
    /// Decisions.
    pub decisions: u64,
    /// Tags of certificates that were withdrawn.
    pub(crate) withdrawn: Vec<String>,
    /// Fingerprints of connectors' certificates whose grants were revoked.
    pub(crate) revoked: Vec<String>,
    /// The hash of each of the statements, and where the log holds it.
    pub(crate) stated: Vec<(String, u64)>,
}

impl Missing {
    /// Whether there is anything.
    pub fn any(&self) -> bool {
        self.records + self.statements + self.decisions > 0
    }

    /// Together with what a later reading found.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.records += later.records;
        self.statements += later.statements;
        self.decisions += later.decisions;
        self.withdrawn.extend(later.withdrawn);
        self.revoked.extend(later.revoked);
        self.stated.extend(later.stated);
        self
    }

    /// This key manager was made anew after that, and went on without it.
    pub(super) fn settle(&mut self) {
        (self.records, self.decisions) = (0, 0);
    }

    /// What a record of ours that is not here took from somebody.
    pub(super) fn note_taken(&mut self, record: &Record) {
        let detail = |name| record.detail().get(name).cloned();
        if record.outcome() != Outcome::Granted {
            return;
        }
        if *record.action() == Action::CERTIFICATE_WITHDRAW {
            self.withdrawn.extend(detail(TAG));
        } else if *record.action() == Action::CONNECTOR_CHANGE && detail("act").as_deref() == Some("revoke") {
            self.revoked.extend(detail(TAG));
        }
    }

    pub(super) fn note(&mut self, kind: &str, what: String, index: u64) {
        match kind {
            FOREIGN_STATEMENT => {
                self.statements += 1;
                self.stated.push((what, index));
            }
            FOREIGN_DECISION => self.decisions += 1,
            _ => self.records += 1,
        }
    }
}

impl KeyManager {
    /// Reads the log from where it was read last to its end and counts; no alarm is raised for what is counted.
    pub(crate) async fn survey(&self, link: &Link, _alone: &Watching<'_>) -> Result<Missing, Error> {
        let mut missing = Missing::default();
        while !self.read_to_the_end(link, Some(&mut missing)).await? {}
        Ok(missing)
    }
}
