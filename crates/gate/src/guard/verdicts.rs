//! Verdicts that were reached, kept as long as nothing that they rest on changes: a request over a connection that is kept alive costs no
//! signature.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use sceau_pki::Fingerprint;

use super::{Denial, admission::Judged};

/// How many are kept: beyond, those that ended are forgotten, then all.
const MOST: usize = 16_384;
/// How long a refusal is kept (milliseconds): most of them end by themselves, and nobody waits for that.
const REFUSAL: u64 = 5_000;

/// Of one state of lists and rules.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(RwLock<HashMap<Fingerprint, Entry>>);

type Verdict = Result<Arc<Judged>, Denial>;

#[derive(Debug)]
struct Entry {
    from: u64,
    until: u64,
    verdict: Verdict,
}

impl Entry {
    fn holds(&self, now: u64) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl Verdicts {
    /// The verdict on what has this fingerprint at `now` (Unix milliseconds), reached by `judge` unless it is known.
    pub(crate) fn of(&self, shown: Fingerprint, now: u64, judge: impl FnOnce() -> Verdict) -> Verdict {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(&shown).filter(|entry| entry.holds(now)) {
            return entry.verdict.clone();
        }
        drop(known);
        let verdict = judge();
        let until = verdict.as_ref().map_or(now.saturating_add(REFUSAL), |judged| judged.until);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, entry| entry.holds(now));
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(shown, Entry { from: now, until, verdict: verdict.clone() });
        verdict
    }
}

#[cfg(test)]
mod tests {
    use sceau_pki::Refusal;

    use super::*;

    #[test]
    fn a_verdict_is_reached_once_and_ends() {
        let verdicts = Verdicts::default();
        let count = std::cell::Cell::new(0);
        let judge = || {
            count.set(count.get() + 1);
            Err(Denial::Certificate(Refusal::Expired))
        };
        let shown = Fingerprint::of(b"one");
        for (now, judged) in [(1000, 1), (1001, 1), (1000 + REFUSAL, 2), (999, 3)] {
            assert!(verdicts.of(shown, now, judge).is_err());
            assert_eq!(count.get(), judged, "at {now}: not before it was reached, and not after it ended");
        }
        assert!(verdicts.of(Fingerprint::of(b"other"), 999, judge).is_err());
        assert_eq!(count.get(), 4, "another chain is another question");
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let verdicts = Verdicts::default();
        for stranger in 0..MOST * 2 + 5 {
            let shown = Fingerprint::of(&stranger.to_be_bytes());
            assert!(verdicts.of(shown, 1, || Err(Denial::UnknownClient)).is_err());
        }
        assert!(verdicts.0.read().is_ok_and(|known| known.len() <= MOST));
    }
}
