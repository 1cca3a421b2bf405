//! That one log's record was there when another log's element saw it: shown from both, offline.

use crate::{
    Action, Asserted, Evidence, EvidenceError, Hash, Outcome, VerifiedEvidence, VerifierKey, verify_inclusion,
};
use serde::{Deserialize, Serialize};

/// That a record is under the checkpoint of its log that another log's record says was seen. Not verified until [`verify`](Self::verify) says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The audit path of the record in the tree that was seen.
    pub proof: Vec<Hash>,
    /// The other log's record (`log.seen`), with its proof.
    pub evidence: Evidence,
}

/// What a verified sighting proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The log that has it on record.
    pub by: String,
    /// When, by that log's element (Unix milliseconds).
    pub time: u64,
    /// Its entry's number.
    pub index: u64,
    /// The size of the log that it saw.
    pub size: u64,
}

impl Sighting {
    /// The attachment of an evidence file that holds them: an array.
    pub const ATTACHMENT: &str = "seen";

    /// The log, and the size and root of it, that the record says was seen; nothing of it is verified.
    ///
    /// # Errors
    /// [`EvidenceError`] where the record is none of that kind.
    pub fn claimed(&self) -> Result<(String, u64, Hash), EvidenceError> {
        said(&crate::Record::parse(&self.evidence.record_bytes()?)?).ok_or(EvidenceError::NotSeen)
    }

    /// Verifies that the other log, of key `by`, has on record that it saw `log` when `of` was in it. Where the record is not its element's own word, it is
    /// none: a platform can have others made.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn verify(
        &self,
        of: &VerifiedEvidence,
        log: &VerifierKey,
        by: &VerifierKey,
    ) -> Result<Seen, EvidenceError> {
        let verified = self.evidence.verify(Some(by))?;
        let (origin, size, root) = said(&verified.record).ok_or(EvidenceError::NotSeen)?;
        if origin != log.name() {
            return Err(EvidenceError::NotSeen);
        }
        verify_inclusion(&of.leaf, of.index, size, &self.proof, &root)?;
        Ok(Seen { by: by.name().to_owned(), time: verified.record.time(), index: verified.index, size })
    }
}

fn said(record: &crate::Record) -> Option<(String, u64, Hash)> {
    let is_own = record.asserted() == Asserted::Element && record.outcome() == Outcome::Granted;
    (is_own && *record.action() == Action::LOG_SEEN).then_some(())?;
    let detail = |name: &str| record.detail().get(name);
    let size = crate::checkpoint::decimal(detail("size")?)?;
    Some((detail("origin")?.clone(), size, detail("root")?.parse().ok()?))
}
