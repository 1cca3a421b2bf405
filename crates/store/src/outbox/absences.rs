//! Who was away a moment ago, so that one who does not answer does not hold up the deliveries of all others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long somebody who was away is not asked again, in milliseconds.
const ABSENCE_MS: u64 = 5_000;
/// How many are remembered: beyond, the ones that may be asked again are forgotten.
const MANY: usize = 1_000;

/// Those who were away, by name. Times are passed in, in Unix milliseconds.
#[derive(Debug, Default)]
pub struct Absences(Mutex<HashMap<String, (u64, String)>>);

impl Absences {
    /// Why somebody was away, if that was a moment ago.
    pub fn of(&self, who: &str, now: u64) -> Option<String> {
        let absences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, why) = absences.get(who)?;
        is_fresh(*since, now).then(|| why.clone())
    }

    /// Somebody is away now.
    pub fn note(&self, who: &str, now: u64, why: &str) {
        let mut absences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if absences.len() >= MANY {
            absences.retain(|_, (since, _)| is_fresh(*since, now));
        }
        absences.insert(who.to_owned(), (now, why.to_owned()));
    }
}

fn is_fresh(since: u64, now: u64) -> bool {
    (since..since.saturating_add(ABSENCE_MS)).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_a_moment_ago_is_not_asked_and_others_are() {
        let absences = Absences::default();
        absences.note("alpha", 1_000, "silent");
        assert_eq!(absences.of("alpha", 5_999).as_deref(), Some("silent"));
        assert_eq!((absences.of("alpha", 6_000), absences.of("beta", 1_000)), (None, None));
        assert_eq!(absences.of("alpha", 999), None, "a clock that was set back holds nobody up");
        for n in 0..5_000 {
            absences.note(&n.to_string(), 10_000 + n, "");
        }
        assert!(absences.0.lock().unwrap().len() <= 5_001);
    }
}
