//! When to ask again. Pure: time and chance are passed in.

use sceau_pki::OcspAnswer;
use uuid::Uuid;

/// After a failure: doubled each time, up to five minutes.
const FIRST_PAUSE: u64 = 5_000;
pub(super) const LONGEST_PAUSE: u64 = 5 * 60_000;

/// Before the end of an answer, somewhere between half and three quarters of what is left: so the answers of many are not asked for in one moment.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // days at most
pub(super) fn ahead(now: u64, answer: &OcspAnswer, chance: f64) -> u64 {
    let left = answer.until.saturating_sub(now);
    let least = (answer.until.saturating_sub(answer.this_update) / 16).clamp(1_000, LONGEST_PAUSE);
    now.saturating_add(((left as f64 * (0.5 + chance / 4.0)) as u64).max(least))
}

/// After so many failures before this one (milliseconds).
pub(super) fn pause(failures: u32) -> u64 {
    (FIRST_PAUSE << failures.min(10)).min(LONGEST_PAUSE)
}

/// Below 1, drawn anew each time.
pub(super) fn chance() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / (f64::from(u32::MAX) + 1.0)
}
