//! What the log has and the feed has not: a platform that ends the feed, or leaves a dossier out of it, is seen.

use std::collections::BTreeMap;
use std::time::Duration;

use sceau_trace::Hash;
use tokio::time::Instant;

use super::receiver::Logged;
use super::standing::Standing;

/// Manifests in one answer of a key manager: a shorter one is the last.
const WHOLE: usize = 500;

/// Manifests that the key manager read in the log, compared with those that the feed gave.
#[derive(Debug)]
pub(super) struct Withheld {
    overdue: Duration,
    /// The last log index that was compared.
    after: u64,
    next: Option<Instant>,
    /// Those that the feed did not give yet, by log index; since when. Said once: then without a time.
    missing: BTreeMap<u64, (Hash, Option<Instant>)>,
}

impl Withheld {
    pub(super) fn new(overdue: Duration) -> Self {
        Self { overdue, after: 0, next: None, missing: BTreeMap::new() }
    }

    /// After which log index to ask, if it is time.
    pub(super) fn asks(&mut self, now: Instant) -> Option<u64> {
        let due = self.next.is_none_or(|next| next <= now);
        due.then(|| {
            self.next = Some(now + self.overdue / 2);
            self.after
        })
    }

    /// Those that are missing for too long, each once.
    pub(super) fn compare(&mut self, logged: Vec<Logged>, standing: &Standing, now: Instant) -> Vec<Logged> {
        if logged.len() >= WHOLE {
            self.next = None;
        }
        for Logged { manifest, log_index } in logged {
            self.after = self.after.max(log_index);
            self.missing.insert(log_index, (manifest, Some(now)));
        }
        self.missing.retain(|_, (manifest, _)| !standing.knows(manifest));
        let mut late = Vec::new();
        for (log_index, (manifest, since)) in &mut self.missing {
            if since.is_some_and(|since| now.duration_since(since) >= self.overdue) {
                *since = None;
                late.push(Logged { manifest: *manifest, log_index: *log_index });
            }
        }
        late
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::super::feed::tests::entry;
    use super::super::journal::Step;
    use super::*;

    #[tokio::test]
    async fn what_the_feed_does_not_give_in_time_is_said_once() {
        let (now, minutes) = (Instant::now(), |n: u64| Duration::from_secs(60 * n));
        let mut withheld = Withheld::new(minutes(10));
        let mut standing = Standing::default();
        let logged = |index| Logged { manifest: entry(index).manifest_hash, log_index: index };
        assert_eq!(withheld.asks(now), Some(0));
        assert_eq!(withheld.asks(now), None);
        assert!(withheld.compare(vec![logged(1), logged(2)], &standing, now).is_empty());
        standing.take(Step::Received { delivery: entry(1) });
        let later = now + minutes(10);
        assert_eq!(withheld.asks(later), Some(2));
        let late = withheld.compare(vec![logged(3)], &standing, later);
        assert_eq!(late.iter().map(|it| it.log_index).collect::<Vec<_>>(), [2]);
        assert!(withheld.compare(Vec::new(), &standing, later + minutes(5)).is_empty());
        let late = withheld.compare(Vec::new(), &standing, later + minutes(11));
        assert_eq!(late.iter().map(|it| it.log_index).collect::<Vec<_>>(), [3]);
        let later = later + minutes(20);
        assert_eq!(withheld.asks(later), Some(3));
        withheld.compare((4..504).map(logged).collect(), &standing, later);
        assert_eq!(withheld.asks(later), Some(503), "there is more: it is asked for at once");
    }
}
