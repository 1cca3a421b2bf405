//! What administrators and data officers do with the data of their organisation: one gesture for a list of them, and two people for what cannot be undone.

use serde::{Deserialize, Serialize};

use sceau_trace::{Hash, Record};

use super::{Document, DocumentError, field, text, version_one};
use crate::protect::{DatumId, is_legible};
use crate::{AccountId, ActId, Kind, OrganisationId, RowId};

/// Data of one act.
const MOST_DATA: usize = 100;
/// How long a request to erase waits for a second person, in milliseconds: seven days.
const WAITS: u64 = 7 * 24 * 3600 * 1000;

/// An act on data. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectAct {
    /// Format version, 1.
    pub v: u32,
    /// The act.
    pub act: ActId,
    /// The organisation whose data they are.
    pub organisation: OrganisationId,
    /// What is done.
    pub does: Does,
    /// To which data, 1 to 100, each once.
    pub data: Vec<DatumId>,
    /// Why, in the word of who does it: 1 to 500 characters on one line.
    pub reason: String,
    /// When it was signed.
    pub time: u64,
    /// Who signs the first version.
    pub by: AccountId,
    /// What the second version, the last one, says of a request to erase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ActDecision>,
}

/// What an act does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// The data are held: their keys are given out no more, whatever their owners say. Called `deactivate` in journals of before, and in no new act
    /// ([`ProtectAct::is_in_words_of_today`]).
    #[serde(alias = "deactivate")]
    Hold,
    /// They are held no more. What their owners deactivated stays so. Called `activate` there.
    #[serde(alias = "activate")]
    Release,
    /// They are erased for good, once a second person approves it.
    Erase,
}

/// What becomes of a request to erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActDecision {
    /// Which of the two.
    pub is: Decided,
    /// Who says so.
    pub by: AccountId,
    /// When that was signed.
    pub time: u64,
    /// SHA-256 of the request's bytes.
    pub request: Hash,
}

/// Whether a request is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// It takes effect.
    Approved,
    /// It does not, and never will.
    Withdrawn,
}

impl Does {
    /// As in JSON and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Erase => "erase",
        }
    }
}

impl Decided {
    /// As in JSON and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl ProtectAct {
    /// The detail of a datum's record that names the act on it.
    pub const DETAIL: &str = "act";

    /// Whether its bytes say what it does by the word of today. The old ones are read of what a journal has, and of nothing new.
    #[must_use]
    pub fn is_in_words_of_today(&self, payload: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Said {
            does: String,
        }
        serde_json::from_slice(payload).is_ok_and(|said: Said| said.does == self.does.as_str())
    }

    /// By which act the record says that a datum was held, released or erased.
    #[must_use]
    pub fn of_record(record: &Record) -> Option<ActId> {
        record.detail().get(Self::DETAIL)?.parse().ok()
    }

    /// Whether this version only asks for what a second person must approve.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.does == Does::Erase && self.decision.is_none()
    }

    /// Until when a request may be approved.
    #[must_use]
    pub fn ends(&self) -> u64 {
        self.time.saturating_add(WAITS)
    }

    /// Who signs this version, and when they say that they do.
    #[must_use]
    pub fn signed(&self) -> (AccountId, u64) {
        self.decision.as_ref().map_or((self.by, self.time), |decision| (decision.by, decision.time))
    }
}

impl Document for ProtectAct {
    const KIND: Kind = Kind::ProtectAct;

    fn row(&self) -> RowId {
        self.act.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field((1..=MOST_DATA).contains(&self.data.len()), "data", "1 to 100 of them")?;
        let mut data = self.data.clone();
        data.sort_unstable();
        data.dedup();
        field(data.len() == self.data.len(), "data", "each once")?;
        let reason = text(&self.reason, 500, false) && is_legible(&self.reason);
        field(reason, "reason", "1 to 500 characters on one line, none of them unseen")?;
        field(self.decision.is_none() || self.does == Does::Erase, "decision", "of a request to erase only")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn acts_of_a_journal_of_before_are_read_by_their_old_words() {
        for (old, does) in [("deactivate", Does::Hold), ("activate", Does::Release), ("erase", Does::Erase)] {
            let act = serde_json::json!({
                "v": 1, "act": ActId::random(), "organisation": OrganisationId::random(), "does": old,
                "data": [DatumId::random()], "reason": "why", "time": 1, "by": AccountId::random(),
            });
            let bytes = serde_json::to_vec(&act).unwrap();
            let read = ProtectAct::parse(&bytes).unwrap().document;
            assert_eq!(read.does, does);
            assert_eq!(read.is_in_words_of_today(&bytes), old == "erase");
            assert_eq!(serde_json::to_value(read.does).unwrap(), does.as_str());
        }
    }
}
