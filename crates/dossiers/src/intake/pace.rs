//! How slow a sender may be. Pure: what was listened for is counted by whoever listens, so that the antivirus's and the platform's slowness is not
//! the sender's.

use std::time::Duration;

/// How slow a sender may be before its place is given to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// Bytes a second, from the end of the grace on, over all that was sent.
    pub rate: u64,
    /// Before the rate counts.
    pub grace: Duration,
    /// Between two bytes.
    pub silence: Duration,
    /// For a whole file.
    pub whole: Duration,
}

impl Default for Slowest {
    /// A line of 128 kbit/s keeps up with it.
    fn default() -> Self {
        Self {
            rate: 16 * 1024,
            grace: Duration::from_secs(30),
            silence: Duration::from_secs(20),
            whole: Duration::from_secs(2 * 3600),
        }
    }
}

/// The pace of one sender.
#[derive(Debug)]
pub(crate) struct Pace {
    slowest: Slowest,
    listened: Duration,
}

impl Pace {
    pub(crate) fn new(slowest: Slowest) -> Self {
        Self { slowest, listened: Duration::ZERO }
    }

    /// For how long the next byte may be awaited, `taken` bytes being there; none when the sender is too slow by now.
    pub(crate) fn allows(&self, taken: u64) -> Option<Duration> {
        let Slowest { rate, grace, silence, whole } = self.slowest;
        let earned = Duration::from_millis(taken.saturating_mul(1000) / rate.max(1));
        let until = grace.saturating_add(earned).min(whole);
        let left = until.checked_sub(self.listened)?.min(silence);
        (!left.is_zero()).then_some(left)
    }

    /// It was listened to for so long.
    pub(crate) fn listened(&mut self, time: Duration) {
        self.listened = self.listened.saturating_add(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn pace() -> Pace {
        Pace::new(Slowest { rate: 1000, grace: seconds(10), silence: seconds(4), whole: seconds(100) })
    }

    #[test]
    fn silence_ends_it() {
        assert_eq!(pace().allows(0), Some(seconds(4)));
        assert_eq!(pace().allows(u64::MAX), Some(seconds(4)));
    }

    #[test]
    fn a_byte_now_and_then_is_not_enough() {
        let mut pace = pace();
        // A byte a second is no silence, and no pace either.
        for second in 0..10 {
            assert!(pace.allows(second).is_some_and(|left| left >= seconds(1)), "{second}");
            pace.listened(seconds(1));
        }
        assert_eq!(pace.allows(10), Some(Duration::from_millis(10)));
        pace.listened(Duration::from_millis(10));
        assert_eq!(pace.allows(10), None);
    }

    #[test]
    fn who_keeps_up_goes_on_until_the_whole_takes_too_long() {
        let mut pace = pace();
        for second in 1..100 {
            pace.listened(seconds(1));
            assert!(pace.allows(second * 1000).is_some(), "{second}");
        }
        pace.listened(seconds(1));
        assert_eq!(pace.allows(1_000_000_000), None);
    }

    #[test]
    fn time_that_nobody_listened_does_not_count() {
        let pace = pace();
        assert_eq!(pace.allows(0), pace.allows(0));
    }
}
