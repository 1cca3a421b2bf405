//! When to fetch a list. Pure: time and chance are passed in.

use std::time::Duration;

use crate::pace::{self, share};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
/// After a failure: doubled each time, up to an hour.
const FIRST_PAUSE: u64 = 30_000;
const LONGEST_PAUSE: u64 = 60 * MINUTE;
/// How often, at most, a list that ends before the next day's window is asked for again.
const EARLY: u64 = 5 * MINUTE;

/// Once a day, at a moment drawn anew each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Since midnight, UTC.
    pub(crate) from: Duration,
    /// How long after that, at most.
    pub(crate) within: Duration,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// When the source last answered with a list that could be used, or that there is none newer (Unix milliseconds).
    pub(crate) fetched: Option<u64>,
    /// When it was last asked, and how often it failed since then.
    pub(crate) failed: Option<u64>,
    pub(crate) failures: u32,
    /// When the list in use ends.
    pub(crate) next_update: Option<u64>,
}

impl Past {
    /// As much of it as lies before `now` (Unix milliseconds): what was noted by a clock that was ahead says nothing.
    pub(crate) fn believed(self, now: u64) -> Self {
        let before = |at: &u64| *at <= now;
        Self { fetched: self.fetched.filter(before), failed: self.failed.filter(before), ..self }
    }
}

impl Window {
    /// When to ask next (Unix milliseconds); a moment that has passed means at once. `chance` is below 1.
    pub(crate) fn next(self, past: Past, chance: f64) -> u64 {
        if let Some(failed) = past.failed {
            let pause = pace::pause(past.failures.saturating_sub(1), FIRST_PAUSE, LONGEST_PAUSE);
            return failed.saturating_add(share(pause, 0.5 + chance / 2.0));
        }
        let (Some(fetched), Some(end)) = (past.fetched, past.next_update) else { return 0 };
        let from = millis(self.from);
        // The day's window that the last answer belongs to is the one that began before it.
        let daily = match fetched.checked_sub(from) {
            Some(since) => (since / DAY + 1).saturating_mul(DAY).saturating_add(from),
            None => from,
        };
        let daily = daily.saturating_add(share(millis(self.within), chance));
        if end > daily {
            return daily;
        }
        // Half of what is left, then half again: a list that ends soon has a successor soon.
        let left = end.saturating_sub(fetched);
        fetched.saturating_add(share(left / 2, 0.5 + chance / 2.0).max(EARLY))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * MINUTE;
    const WINDOW: Window =
        Window { from: Duration::from_secs(7 * 3600), within: Duration::from_secs(4 * 3600) };
    /// A midnight, UTC.
    const NIGHT: u64 = 20_000 * DAY;

    fn good(fetched: u64, next_update: u64) -> Past {
        Past { fetched: Some(fetched), next_update: Some(next_update), ..Past::default() }
    }

    #[test]
    fn once_a_day_within_the_window_at_a_moment_of_chance() {
        let far = NIGHT + 7 * DAY;
        for (fetched, day) in
            [(3 * HOUR, 0), (7 * HOUR, 1), (8 * HOUR, 1), (23 * HOUR, 1), (24 * HOUR + 6 * HOUR, 1)]
        {
            for (chance, offset) in [(0.0, 0), (0.5, 2 * HOUR), (0.75, 3 * HOUR)] {
                let expected = NIGHT + day * DAY + 7 * HOUR + offset;
                assert_eq!(WINDOW.next(good(NIGHT + fetched, far), chance), expected, "{fetched} {chance}");
            }
        }
        // Whatever is drawn, one answer a day and never two.
        let mut at = NIGHT + 8 * HOUR;
        for day in 1..50_u64 {
            let chance = f64::from(u32::try_from(day * 37 % 100).unwrap_or(0)) / 100.0;
            at = WINDOW.next(good(at, far + 100 * DAY), chance);
            assert_eq!(at / DAY, NIGHT / DAY + day);
        }
    }

    #[test]
    fn a_list_that_is_missing_is_asked_for_at_once() {
        assert_eq!(WINDOW.next(Past::default(), 0.9), 0);
        assert_eq!(WINDOW.next(Past { fetched: Some(NIGHT), ..Past::default() }, 0.9), 0);
    }

    #[test]
    fn a_list_that_ends_before_the_window_is_asked_for_before_it_ends() {
        let fetched = NIGHT + 8 * HOUR;
        let at = WINDOW.next(good(fetched, fetched + 4 * HOUR), 0.99);
        assert!(at > fetched && at < fetched + 2 * HOUR, "{at}");
        let last = WINDOW.next(good(fetched, fetched + MINUTE), 0.0);
        assert_eq!(last, fetched + EARLY, "nobody is asked all the time");
    }

    #[test]
    fn what_a_clock_that_was_ahead_noted_says_nothing() {
        let far = Past { failed: Some(NIGHT + 1), failures: 3, ..good(NIGHT + 1, u64::MAX) };
        assert_eq!(WINDOW.next(far.believed(NIGHT), 0.9), 0, "it is asked at once");
        assert_eq!(far.believed(NIGHT + 1), far, "what was noted by now stands");
        for at in [u64::MAX, u64::MAX - DAY / 2] {
            let end = Past { failed: Some(at), failures: 1, ..Past::default() };
            assert!([good(at, u64::MAX), good(at, at), end].iter().all(|past| WINDOW.next(*past, 0.9) >= at));
        }
    }

    #[test]
    fn failures_are_tried_again_ever_later() {
        let after = |failures, chance| {
            let past = Past { failed: Some(NIGHT), failures, ..good(NIGHT - DAY, NIGHT + DAY) };
            WINDOW.next(past, chance) - NIGHT
        };
        assert_eq!([after(1, 0.0), after(2, 0.0), after(3, 0.0)], [15_000, 30_000, 60_000]);
        assert!(after(1, 0.99) < 30_000 && after(50, 0.99) <= LONGEST_PAUSE);
        assert_eq!(after(50, 0.0), LONGEST_PAUSE / 2);
    }
}
