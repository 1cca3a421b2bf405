//! When what met trouble is tried again, so that one dossier holds up no other, and what all meet is not asked for in vain.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::config::Grace;
use super::trouble::Trouble;

/// So often something is tried that fails alone, while others pass.
const TRIES: u32 = 10;

/// What failed, and until when nothing is begun.
#[derive(Debug)]
pub(super) struct Patience {
    grace: Grace,
    failing: HashMap<String, Failing>,
    /// Troubles of everyone since the last success, and the end of the pause that they make.
    common: u32,
    paused: Option<Instant>,
    /// What passed since the start.
    passed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    times: u32,
    due: Instant,
    /// What had passed at its first failure.
    passed: u64,
}

impl Patience {
    pub(super) fn new(grace: Grace) -> Self {
        Self { grace, failing: HashMap::new(), common: 0, paused: None, passed: 0 }
    }

    /// Whether anything may be begun.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused.is_some_and(|until| until > now)
    }

    /// Whether it is to be tried now.
    pub(super) fn is_due(&self, what: &str, now: Instant) -> bool {
        self.failing.get(what).is_none_or(|failing| failing.due <= now)
    }

    /// How often it failed: who failed least is tried first.
    pub(super) fn failures(&self, what: &str) -> u32 {
        self.failing.get(what).map_or(0, |failing| failing.times)
    }

    /// It passed, so what everyone met is over.
    pub(super) fn passed(&mut self, what: &str) {
        self.forget(what);
        self.passed += 1;
        (self.common, self.paused) = (0, None);
    }

    /// It is not tried any more.
    pub(super) fn forget(&mut self, what: &str) {
        self.failing.remove(what);
    }

    /// Forgets the folders that are not among these: nobody looks for what was taken away.
    pub(super) fn keep_folders(&mut self, there: &BTreeSet<String>) {
        self.failing.retain(|what, _| !what.starts_with('/') || there.contains(what));
    }

    /// It failed; whether it fails alone, again and again.
    pub(super) fn failed(&mut self, what: &str, trouble: &Trouble, now: Instant) -> bool {
        let first = Failing { times: 0, due: now, passed: self.passed };
        let failing = self.failing.entry(what.to_owned()).or_insert(first);
        failing.times += 1;
        failing.due = now + self.grace.after(failing.times);
        let alone = failing.times >= TRIES && self.passed > failing.passed;
        if trouble.is_everyones() && !alone {
            self.common += 1;
            self.paused = Some(now + self.grace.after(self.common));
        }
        alone
    }

    /// How long nothing will be due, `longest` at most.
    pub(super) fn rest(&self, now: Instant, longest: Duration) -> Duration {
        let next = self.failing.values().map(|failing| failing.due).min();
        let next = next.map(|due| self.paused.map_or(due, |until| due.max(until)));
        next.map_or(longest, |due| due.saturating_duration_since(now).min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> (Patience, Instant) {
        (Patience::new(Grace::default()), Instant::now())
    }

    #[tokio::test]
    async fn what_everyone_meets_is_asked_of_one_at_a_time() {
        let (mut patience, now) = patience();
        let away = Trouble::later("antivirus", "away");
        assert!(!patience.failed("a", &away, now));
        assert!(patience.is_paused(now));
        let later = now + Duration::from_secs(1);
        assert!(!patience.is_paused(later) && patience.is_due("b", later));
        assert!(!patience.failed("b", &away, later));
        assert!(patience.is_paused(later + Duration::from_secs(1)), "twice as long");
        patience.passed("c");
        assert!(!patience.is_paused(later));
        assert_eq!((patience.failures("a"), patience.failures("c")), (1, 0));
    }

    #[tokio::test]
    async fn a_folder_that_was_taken_away_is_not_looked_for() {
        let (mut patience, now) = patience();
        for what in ["/folder/a", "/folder/b", "entry"] {
            patience.failed(what, &Trouble::later("away", "now"), now);
        }
        patience.keep_folders(&BTreeSet::from(["/folder/b".to_owned()]));
        let failures = ["/folder/a", "/folder/b", "entry"].map(|what| patience.failures(what));
        assert_eq!(failures, [0, 1, 1]);
    }

    #[tokio::test]
    async fn what_one_meets_holds_up_no_other_and_ends_when_others_pass() {
        let (mut patience, now) = patience();
        let own = Trouble::later("antivirus_failed", "on this one");
        for times in 1..20 {
            assert!(!patience.failed("a", &own, now), "nothing else passed: {times}");
            assert!(!patience.is_paused(now));
        }
        assert_eq!(patience.rest(now, Duration::from_secs(999)), Duration::from_secs(300));
        patience.passed("b");
        assert!(patience.failed("a", &own, now));
        let (mut patience, now) = self::patience();
        let common = Trouble::later("disk", "full");
        let tries = (1..=TRIES).map(|_| {
            patience.passed("b");
            patience.failed("a", &common, now)
        });
        assert_eq!(tries.filter(|alone| *alone).count(), 1, "at the last try");
    }
}
