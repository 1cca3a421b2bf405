//! How often a PIN may be tried: three honest failures block; attempts that nobody ended cool down, and block nobody.

use serde::{Deserialize, Serialize};

/// Failures that block a keyring.
pub const FAILURES: u8 = 3;

/// Waits after so many attempts without an end, in ms: none after none, then longer, and a day for all that follow.
const WAITS: [u64; 6] = [0, 30_000, 120_000, 900_000, 14_400_000, 86_400_000];

/// The counters of a keyring as one of its terminals has them: wrong PINs are shared by all of its terminals; what a terminal begins and does not end cools that one
/// down, so that who copied it keeps no other one waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// Wrong PINs since the last right one, as terminals told: 0 to 3.
    pub failed: u8,
    /// Attempts that were begun and not ended since then.
    pub open: u8,
    /// When the last one was begun, Unix ms.
    pub last: u64,
}

/// No attempt may be begun now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Waits {
    /// Too many wrong PINs.
    #[error(
        "the PIN was wrong three times: the keyring is blocked, ask its registration authority for another"
    )]
    Blocked,
    /// More attempts than its policy allows were begun and not ended.
    #[error(
        "too many attempts were begun and not ended: the keyring is blocked, ask its registration authority for another"
    )]
    Unfinished,
    /// Until then, Unix ms.
    #[error("attempts were begun and not ended: wait, then try again")]
    Cooling {
        /// When the next one may be begun.
        until: u64,
    },
}

impl Attempts {
    /// Whether one more may be begun at `now`. `unfinished_most` is what the policy says, where it ends what only cools down else.
    ///
    /// # Errors
    /// [`Waits`].
    pub fn may(&self, now: u64, unfinished_most: Option<u8>) -> Result<(), Waits> {
        if self.failed >= FAILURES {
            return Err(Waits::Blocked);
        }
        if unfinished_most.is_some_and(|most| self.open >= most) {
            return Err(Waits::Unfinished);
        }
        let longest = WAITS.last().copied().unwrap_or_default();
        let wait = WAITS.get(usize::from(self.open)).copied().unwrap_or(longest);
        let until = self.last.saturating_add(wait);
        if now < until && wait > 0 { Err(Waits::Cooling { until }) } else { Ok(()) }
    }

    /// One was begun.
    #[must_use]
    pub fn begun(self, now: u64) -> Self {
        Self { open: self.open.saturating_add(1), last: now, ..self }
    }

    /// The terminal said that the PIN was wrong.
    #[must_use]
    pub fn failed(self) -> Self {
        Self {
            open: self.open.saturating_sub(1),
            failed: self.failed.saturating_add(1).min(FAILURES),
            ..self
        }
    }

    /// The PIN was proven. What is blocked stays so: an attempt that was begun before does not open it again.
    #[must_use]
    pub fn proven(self) -> Self {
        let failed = if self.failed >= FAILURES { FAILURES } else { 0 };
        Self { failed, open: 0, ..self }
    }

    /// The PIN was proven, where that is not all that is asked for: nothing is taken back of what was wrong.
    #[must_use]
    pub fn ended(self) -> Self {
        Self { open: 0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 86_400_000;

    #[test]
    fn three_honest_failures_block_and_no_time_heals() {
        let mut attempts = Attempts::default();
        for now in [1, 2, 3] {
            assert_eq!(attempts.may(now, None), Ok(()), "honest failures do not cool down");
            attempts = attempts.begun(now).failed();
        }
        assert_eq!(attempts.may(u64::MAX, None), Err(Waits::Blocked));
        assert_eq!(attempts.proven().may(u64::MAX, None), Err(Waits::Blocked), "nor an attempt of before");
    }

    #[test]
    fn a_thief_who_hides_failures_gets_five_in_a_morning_then_one_a_day() {
        let (mut attempts, mut now, mut times) = (Attempts::default(), 1_000_000, Vec::new());
        while now < 1_000_000 + 7 * DAY {
            if attempts.may(now, None).is_ok() {
                attempts = attempts.begun(now);
                times.push(now);
            }
            now += 10_000;
        }
        let within = |span: u64| times.iter().filter(|time| **time <= 1_000_000 + span).count();
        assert_eq!(within(DAY / 4), 5);
        assert_eq!(times.len(), 5 + 6);
        assert_eq!(attempts.failed, 0, "and blocks nobody");
        assert_eq!(attempts.may(u64::MAX, None), Ok(()));
        assert_eq!(attempts.may(u64::MAX, Some(11)), Err(Waits::Unfinished));
    }

    proptest! {
        #[test]
        fn whatever_happens_three_failures_are_the_most(steps in proptest::collection::vec((0_u8..3, 0_u64..DAY), 0..60)) {
            let (mut attempts, mut now, mut failures) = (Attempts::default(), 0, 0);
            for (step, wait) in steps {
                now += wait;
                if attempts.may(now, None).is_err() {
                    continue;
                }
                attempts = attempts.begun(now);
                match step {
                    0 => attempts = attempts.failed(),
                    1 => attempts = attempts.proven(),
                    _ => {}
                }
                failures = match step { 0 => failures + 1, 1 => 0, _ => failures };
                prop_assert!(failures <= u32::from(FAILURES));
                prop_assert_eq!(u32::from(attempts.failed), failures);
            }
        }
    }
}
