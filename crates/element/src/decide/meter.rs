//! How many refusals are recorded one by one: the log is not to be flooded by whoever has no right to anything.

/// Refusals recorded at once.
const BURST: u64 = 100;
/// Milliseconds after which one more may be recorded.
const REFILL: u64 = 1000;
/// Milliseconds between two counters.
const PERIOD: u64 = 60_000;

/// A bucket of refusals, and the count of those that did not fit.
#[derive(Debug)]
pub(super) struct Meter {
    left: u64,
    refilled: u64,
    counted: u64,
    counting_since: u64,
}

/// What becomes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// A record of its own.
    Record,
    /// One more in the counter.
    Count,
}

impl Default for Meter {
    fn default() -> Self {
        Self { left: BURST, refilled: 0, counted: 0, counting_since: 0 }
    }
}

impl Meter {
    /// Rules on one refusal at `now` (Unix milliseconds).
    pub(super) fn ruling(&mut self, now: u64) -> Ruling {
        let earned = now.saturating_sub(self.refilled) / REFILL;
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(BURST);
            self.refilled = now;
        }
        if self.left > 0 {
            self.left -= 1;
            return Ruling::Record;
        }
        if self.counted == 0 {
            self.counting_since = now;
        }
        self.counted += 1;
        Ruling::Count
    }

    /// The counter, when it is time to record it; it then starts anew.
    pub(super) fn due(&mut self, now: u64) -> Option<u64> {
        let due = self.counted > 0 && now.saturating_sub(self.counting_since) >= PERIOD;
        due.then(|| std::mem::take(&mut self.counted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_one_counter() {
        let mut meter = Meter::default();
        let now = 1_000_000;
        let recorded = (0..1000).filter(|_| meter.ruling(now) == Ruling::Record).count();
        assert_eq!(recorded as u64, BURST);
        assert_eq!(meter.due(now + PERIOD - 1), None);
        assert_eq!(meter.due(now + PERIOD), Some(1000 - BURST));
        assert_eq!(meter.due(now + 2 * PERIOD), None);
    }

    #[test]
    fn what_is_rare_is_recorded() {
        let mut meter = Meter::default();
        assert!((0..1000).all(|step| meter.ruling(1_000_000 + step * REFILL) == Ruling::Record));
    }
}
