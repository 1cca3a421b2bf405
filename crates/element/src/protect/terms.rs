//! How long keys of epochs stay, and what that is for an erasure's certificate.

use sceau_element_api::protect::{Erasure, Kept};
use sceau_trace::RecordBuilder;

const DAY: u64 = 24 * 3600 * 1000;

/// How long keys of epochs stay, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochTerms {
    /// The key of an epoch stays for so long beside the next one's, so that a backup of the state is made meanwhile: one from before it opens nothing
    /// any more once the key is destroyed.
    pub overlap: u64,
    /// Within this time after an erasure the key of its epoch is to be destroyed.
    pub within: u64,
}

impl Default for EpochTerms {
    fn default() -> Self {
        Self { overlap: DAY, within: 30 * DAY }
    }
}

/// What becomes of the keys that could open copies of an erased datum's salt.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// How they were kept.
    pub kept: Kept,
    /// Within what time the last of them is to be destroyed (milliseconds); none where no day is stated.
    pub within: Option<u64>,
}

impl Ending {
    /// Says in the record of an erasure, for its certificate, which key goes with it, by when, and what may be left of it.
    pub(crate) fn told(&self, record: RecordBuilder, epoch: u32, now: u64) -> RecordBuilder {
        let record = record.detail("epoch", epoch.to_string()).detail(Kept::DETAIL, self.kept.as_str());
        let due = self.within.map(|within| now.saturating_add(within).to_string());
        due.into_iter().fold(record, |record, due| record.detail(Erasure::DUE, due))
    }
}
