//! How many content keys an officer may have: a token bucket each. Pure: time is passed in.

use std::collections::HashMap;
use std::hash::Hash;

use sceau_element_api::AccountId;

use crate::settings::Quota;

const HOUR: u64 = 3_600_000;

/// Buckets of officers, and of who is refused: a flood of refusals must not fill the trace.
#[derive(Debug)]
pub(crate) struct Buckets {
    pub(crate) officers: PerKey<AccountId>,
    pub(crate) refusals: PerKey<Option<AccountId>>,
    /// Refusals that were not recorded one by one since the last that was.
    pub(crate) unrecorded: u64,
}

impl Buckets {
    pub(crate) fn new(quota: Quota) -> Self {
        let refusals = Quota { burst: 60, per_hour: 600 };
        Self { officers: PerKey::new(quota), refusals: PerKey::new(refusals), unrecorded: 0 }
    }
}

/// One bucket for each key.
#[derive(Debug)]
pub(crate) struct PerKey<K> {
    quota: Quota,
    buckets: HashMap<K, Bucket>,
}

/// In thousandths of a token, so that slow refills count.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    milli: u64,
    seen: u64,
}

impl<K: Eq + Hash> PerKey<K> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { quota, buckets: HashMap::new() }
    }

    /// Takes a token at `now` (Unix milliseconds), if there is one.
    pub(crate) fn take(&mut self, key: K, now: u64) -> bool {
        let full = u64::from(self.quota.burst) * 1000;
        let bucket = self.buckets.entry(key).or_insert(Bucket { milli: full, seen: now });
        let elapsed = now.saturating_sub(bucket.seen);
        let refill = u128::from(elapsed) * u128::from(self.quota.per_hour) * 1000 / u128::from(HOUR);
        // A refill too small to count leaves the time where it was, so that it counts later.
        if refill > 0 {
            let refill = u64::try_from(refill).unwrap_or(u64::MAX);
            *bucket = Bucket { milli: bucket.milli.saturating_add(refill).min(full), seen: now };
        }
        let enough = bucket.milli >= 1000;
        bucket.milli -= if enough { 1000 } else { 0 };
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_evenly() {
        let mut buckets = PerKey::new(Quota { burst: 2, per_hour: 60 });
        let taken: Vec<bool> = [0, 0, 0, 30_000, 60_000, 60_000].map(|now| buckets.take("a", now)).into();
        assert_eq!(taken, [true, true, false, false, true, false]);
        assert!(buckets.take("b", 60_000), "each has a bucket of its own");
        let later: Vec<bool> = [HOUR * 9; 3].map(|now| buckets.take("a", now)).into();
        assert_eq!(later, [true, true, false], "never more than the burst");
    }
}
