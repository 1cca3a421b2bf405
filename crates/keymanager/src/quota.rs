//! How many content keys an officer or a connector may have, and how many refusals enter the trace: a bucket each, of the store's.

use std::sync::atomic::{AtomicU64, Ordering};

use sceau_store::{RateLimiter, Rule};

use crate::settings::Quota;

/// Officers at once, far more than any organisation has.
const OFFICERS: usize = 65_536;
/// A flood of refusals must not fill the trace.
const REFUSALS: Rule = Rule::per_hour(60, 600);

/// Buckets of officers, and of who is refused.
#[derive(Debug)]
pub(crate) struct Buckets {
    quota: Rule,
    officers: RateLimiter<String>,
    refusals: RateLimiter<Option<String>>,
    /// Refusals that were not recorded one by one since the last that was.
    unrecorded: AtomicU64,
}

impl Buckets {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            quota: Rule::per_hour(quota.burst, quota.per_hour),
            officers: RateLimiter::new(OFFICERS),
            refusals: RateLimiter::new(OFFICERS),
            unrecorded: AtomicU64::new(0),
        }
    }

    /// Whether who is called so in records may have one more content key at `now` (Unix milliseconds).
    pub(crate) fn take_key(&self, who: &str, now: u64) -> bool {
        self.officers.take(who, self.quota, now).is_ok()
    }

    /// Whether a refusal of this caller is to be recorded at `now`, and how many before it were not.
    pub(crate) fn take_refusal(&self, who: Option<&str>, now: u64) -> Option<u64> {
        if self.refusals.take(&who.map(str::to_owned), REFUSALS, now).is_ok() {
            return Some(self.unrecorded.swap(0, Ordering::Relaxed));
        }
        self.skipped(1);
        None
    }

    /// So many refusals were not recorded.
    pub(crate) fn skipped(&self, refusals: u64) {
        self.unrecorded.fetch_add(refusals, Ordering::Relaxed);
    }
}
