//! Requests that were used.

use std::collections::{BTreeMap, HashSet};

/// Requests that are remembered until they end; beyond, uses wait.
const MOST_SPENT: usize = 1_000_000;

/// The requests that were used and have not ended, and up to when others were forgotten.
#[derive(Debug, Default)]
pub struct SpentRequests {
    spent: HashSet<[u8; 16]>,
    by_end: BTreeMap<u64, Vec<[u8; 16]>>,
    time: u64,
}

impl SpentRequests {
    /// Whether it was used.
    #[must_use]
    pub fn knows(&self, request: &[u8; 16]) -> bool {
        self.spent.contains(request)
    }

    /// Requests that ended by then may have been used, and are forgotten: a clock that steps back lets none be used again.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Whether another one can be remembered.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.spent.len() < MOST_SPENT
    }

    /// Takes one in, of a use at `time`; false where it was used.
    pub(super) fn take(&mut self, request: [u8; 16], ends: u64, time: u64) -> bool {
        self.time = self.time.max(time);
        while let Some(first) = self.by_end.first_entry().filter(|first| *first.key() <= self.time) {
            for ended in first.remove() {
                self.spent.remove(&ended);
            }
        }
        self.by_end.entry(ends).or_default().push(request);
        self.spent.insert(request)
    }
}
