//! When to ask again. Pure: time and chance are passed in.

use sceau_pki::OcspAnswer;

pub(super) use crate::pace::chance;
use crate::pace::{self, share};

/// After a failure: doubled each time, up to five minutes.
const FIRST_PAUSE: u64 = 5_000;
pub(super) const LONGEST_PAUSE: u64 = 5 * 60_000;

/// Before the end of an answer, somewhere between half and three quarters of what is left: so the answers of many are not asked for in one moment.
pub(super) fn ahead(now: u64, answer: &OcspAnswer, chance: f64) -> u64 {
    let left = answer.until.saturating_sub(now);
    let least = (answer.until.saturating_sub(answer.this_update) / 16).clamp(1_000, LONGEST_PAUSE);
    now.saturating_add(share(left, 0.5 + chance / 4.0).max(least))
}

/// After so many failures before this one (milliseconds).
pub(super) fn pause(failures: u32) -> u64 {
    pace::pause(failures, FIRST_PAUSE, LONGEST_PAUSE)
}
