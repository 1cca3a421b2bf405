//! How often one holder is asked. The host lets a provider ask somebody thirty times an hour, four at once, whichever of its sites it is for: who that is spent on is decided here,
//! so that neither a stranger nor a site uses up what the holder's own browsers need.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const HOUR: u64 = 3_600_000;
/// Holders that are counted at once, and names that nobody has.
const MOST: usize = 50_000;

/// On whose behalf somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum From {
    /// A browser that nobody knows: it typed an alias.
    Stranger,
    /// A browser that this holder logged in with, and had remembered.
    Remembered,
    /// A site, without a browser.
    Site,
}

impl From {
    /// At once, and within an hour. Together below what the host takes: 4 and 30.
    fn most(self) -> (usize, usize) {
        match self {
            Self::Stranger => (1, 8),
            Self::Remembered => (2, 14),
            Self::Site => (1, 7),
        }
    }
}

/// One that was asked.
#[derive(Debug)]
struct Asked {
    id: u64,
    began: u64,
    /// Until when it waits.
    ends: u64,
    /// How many it counts for.
    weight: usize,
}

/// Counts of an hour.
#[derive(Debug, Default)]
pub(crate) struct Bounds(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    last: u64,
    of: HashMap<([u8; 32], From), Vec<Asked>>,
}

/// One that is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    whom: [u8; 32],
    from: From,
    id: u64,
}

impl Bounds {
    /// Counts one more, unless there are too many. `whom` is the hash of who it is, or of the name that nobody has: both are counted alike.
    pub(crate) fn take(&self, whom: [u8; 32], from: From, ends: u64, now: u64) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.of.len() >= MOST {
            counts.of.retain(|_, all| all.iter().any(|one| one.began.saturating_add(HOUR) > now));
        }
        if counts.of.len() >= MOST && !counts.of.contains_key(&(whom, from)) {
            return None;
        }
        counts.last += 1;
        let id = counts.last;
        let all = counts.of.entry((whom, from)).or_default();
        all.retain(|one| one.began.saturating_add(HOUR) > now);
        let (at_once, of_hour) = from.most();
        let waiting = all.iter().filter(|one| one.ends > now).count();
        if waiting >= at_once || all.iter().map(|one| one.weight).sum::<usize>() >= of_hour {
            return None;
        }
        all.push(Asked { id, began: now, ends, weight: 1 });
        Some(Counted { whom, from, id })
    }

    /// It was answered. To a holder who said no, a stranger's question counts as half of what strangers may ask within the hour.
    pub(crate) fn answered(&self, counted: Counted, refused: bool, now: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = counts.of.get_mut(&(counted.whom, counted.from));
        if let Some(one) = all.and_then(|all| all.iter_mut().find(|one| one.id == counted.id)) {
            one.ends = one.ends.min(now);
            if refused && counted.from == From::Stranger {
                one.weight = counted.from.most().1 / 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const MARIE: [u8; 32] = [1; 32];

    #[test]
    fn strangers_leave_the_holders_own_browsers_their_turn() {
        let bounds = Bounds::default();
        let stranger = bounds.take(MARIE, From::Stranger, 300_000, 0).unwrap();
        assert!(bounds.take(MARIE, From::Stranger, 300_000, 0).is_none(), "one at a time");
        assert!(bounds.take(MARIE, From::Remembered, 300_000, 0).is_some());
        assert!(bounds.take(MARIE, From::Remembered, 300_000, 0).is_some());
        assert!(bounds.take(MARIE, From::Site, 300_000, 0).is_some());
        bounds.answered(stranger, false, 1_000);
        let mut asked = 1;
        for minute in 1..60 {
            asked += usize::from(
                bounds.take(MARIE, From::Stranger, minute * 60_000 + 1, minute * 60_000).is_some(),
            );
        }
        assert_eq!(asked, 8, "within an hour");
        assert!(bounds.take(MARIE, From::Stranger, 2 * HOUR, HOUR + 61_000).is_some());
    }

    #[test]
    fn who_said_no_twice_is_not_asked_again_by_strangers_within_the_hour() {
        let bounds = Bounds::default();
        for time in [0, 60_000] {
            let counted = bounds.take(MARIE, From::Stranger, time + 1000, time).unwrap();
            bounds.answered(counted, true, time + 500);
        }
        assert!(bounds.take(MARIE, From::Stranger, 130_000, 120_000).is_none());
        assert!(bounds.take([2; 32], From::Stranger, 130_000, 120_000).is_some());
        let most = |from: From| from.most();
        let all = [From::Stranger, From::Remembered, From::Site].map(most);
        let together = all.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        assert!(together.0 <= 4 && together.1 <= 30, "the host's own bounds");
    }
}
