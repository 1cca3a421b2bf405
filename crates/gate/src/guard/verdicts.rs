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
/// How long it is kept that somebody passes of whom no list speaks (milliseconds): then the places of lists that the certificate names are asked for again,
/// which are followed only as long as somebody does.
const UNCHECKED: u64 = 60 * 60 * 1000;

/// Of one state of lists and rules.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(RwLock<HashMap<Fingerprint, Entry>>);

pub(super) type Verdict = Result<Arc<Judged>, Denial>;

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
    /// The verdict on what has this fingerprint at `now` (Unix milliseconds), where it was reached before.
    pub(super) fn known(&self, shown: Fingerprint, now: u64) -> Option<Verdict> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&shown).filter(|entry| entry.holds(now)).map(|entry| entry.verdict.clone())
    }

    /// Remembers one that was reached at `now`.
    pub(super) fn keep(&self, shown: Fingerprint, now: u64, verdict: Verdict) {
        let until = match &verdict {
            Ok(judged) if judged.is_unchecked() => judged.until.min(now.saturating_add(UNCHECKED)),
            Ok(judged) => judged.until,
            Err(_) => now.saturating_add(REFUSAL),
        };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, entry| entry.holds(now));
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(shown, Entry { from: now, until, verdict });
    }
}

#[cfg(test)]
mod tests {
    use sceau_pki::{ClientIdentity, Name, Refusal};

    use super::*;
    use crate::guard::Admitted;

    #[test]
    fn a_verdict_is_reached_once_and_ends() {
        let verdicts = Verdicts::default();
        let shown = Fingerprint::of(b"one");
        for (now, is_known) in [(1000, false), (1001, true), (1000 + REFUSAL, false), (999, false)] {
            let known = verdicts.known(shown, now);
            assert_eq!(
                known.is_some(),
                is_known,
                "at {now}: not before it was reached, and not after it ended"
            );
            if known.is_none() {
                verdicts.keep(shown, now, Err(Denial::Certificate(Refusal::Expired)));
            }
        }
        assert!(
            verdicts.known(Fingerprint::of(b"other"), 999).is_none(),
            "another chain is another question"
        );
    }

    #[test]
    fn whoever_passes_unchecked_is_judged_again_before_a_place_of_lists_is_left() {
        let identity = ClientIdentity {
            subject: Name::default(),
            issuer: Name::default(),
            serial: "1".to_owned(),
            not_after: 0,
            fingerprint: Fingerprint::of(b"a"),
        };
        let (verdicts, shown) = (Verdicts::default(), Fingerprint::of(b"one"));
        verdicts.keep(shown, 1000, Ok(Admitted::unchecked(identity).0));
        assert!(verdicts.known(shown, 999 + UNCHECKED).is_some());
        assert!(verdicts.known(shown, 1000 + UNCHECKED).is_none());
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let verdicts = Verdicts::default();
        for stranger in 0..MOST * 2 + 5 {
            let shown = Fingerprint::of(&stranger.to_be_bytes());
            verdicts.keep(shown, 1, Err(Denial::UnknownClient));
        }
        assert!(verdicts.0.read().is_ok_and(|known| known.len() <= MOST));
    }
}
