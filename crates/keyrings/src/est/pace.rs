//! When to ask again. Pure: time is passed in, in Unix milliseconds.

use std::time::Duration;

use super::trouble::Trouble;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// However long an authority would have us wait.
const LONGEST: u64 = 24 * HOUR;

/// How long to wait after what went wrong.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pause {
    until: u64,
    failures: u32,
    told: Option<&'static str>,
}

impl Pause {
    pub(super) fn is_over(&self, now: u64) -> bool {
        // A clock that stepped back by more than any pause is waited for no longer.
        now >= self.until || self.until - now > LONGEST
    }

    /// It goes on.
    pub(super) fn well(&mut self) {
        *self = Self::default();
    }

    /// The authority said how long (RFC 7030 section 4.2.3): nothing failed.
    pub(super) fn until(&mut self, now: u64, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(LONGEST);
        *self = Self { until: now.saturating_add(wait.clamp(SECOND, LONGEST)), failures: 0, told: None };
    }

    /// Something went wrong: longer each time. Whether it is new, and so to be told.
    pub(super) fn after(&mut self, trouble: &Trouble, now: u64) -> bool {
        let (first, longest) = lengths(trouble);
        let pause = first.saturating_mul(1 << self.failures.min(20)).min(longest);
        self.until = now.saturating_add(pause);
        self.failures = self.failures.saturating_add(1);
        self.told.replace(trouble.code()) != Some(trouble.code())
    }
}

/// The first pause, and the longest. Who is not there is tried soon; who said no, or issues what is refused, is not bothered: each try may have another certificate issued.
fn lengths(trouble: &Trouble) -> (u64, u64) {
    match trouble {
        Trouble::Away(_) | Trouble::Element(_) => (2 * SECOND, 5 * MINUTE),
        Trouble::NotSet => (MINUTE, 5 * MINUTE),
        Trouble::NotLetIn(_) => (MINUTE, HOUR),
        Trouble::Refused(_) | Trouble::Broken(_) | Trouble::Invalid(_) => (5 * MINUTE, 12 * HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_what_is_known_is_told_once() {
        let (mut pause, away) = (Pause::default(), Trouble::Away(String::new()));
        assert!(pause.is_over(0) && pause.after(&away, 0) && !pause.is_over(1999) && pause.is_over(2000));
        assert!(!pause.after(&away, 2000) && !pause.is_over(5999) && pause.is_over(6000));
        assert!(pause.after(&Trouble::NotLetIn(401), 6000));
        for _ in 0..40 {
            pause.after(&away, 0);
        }
        assert!(!pause.is_over(5 * MINUTE - 1) && pause.is_over(5 * MINUTE));
        pause.well();
        assert!(pause.after(&away, 0) && pause.is_over(2000));
    }

    #[test]
    fn who_says_no_is_asked_less_than_five_times_in_an_hour() {
        let (mut pause, mut now, mut asked) = (Pause::default(), 0, 0);
        while now < HOUR {
            asked += 1;
            pause.after(&Trouble::Refused(400), now);
            now = pause.until;
        }
        assert!(asked < 5, "{asked}");
    }

    #[test]
    fn an_authority_says_how_long_within_bounds() {
        let mut pause = Pause::default();
        pause.until(0, Duration::ZERO);
        assert!(!pause.is_over(999) && pause.is_over(1000));
        pause.until(0, Duration::from_secs(u64::MAX));
        assert!(!pause.is_over(LONGEST - 1) && pause.is_over(LONGEST));
        // Nor does a clock that was far ahead keep anybody waiting.
        pause.until(10 * LONGEST, Duration::from_secs(60));
        assert!(pause.is_over(0));
    }
}
