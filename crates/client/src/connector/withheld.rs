//! What the log has and the feed has not: a platform that ends the feed, or leaves a dossier or a decision out of it, is seen.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::config::Handover;
use super::event::Event;
use super::feed::folder_name;
use super::journal::Step;
use super::receiver::{LoggedDecision, LoggedManifest};
use super::runner::Connector;
use super::trouble::Trouble;
use super::writing::place;

/// Entries in one answer of a key manager: a shorter one is the last.
const WHOLE: usize = 500;

/// What the key manager read in the log.
pub(super) trait Logged: Clone {
    /// Where.
    fn log_index(&self) -> u64;
}

impl Logged for LoggedManifest {
    fn log_index(&self) -> u64 {
        self.log_index
    }
}

impl Logged for LoggedDecision {
    fn log_index(&self) -> u64 {
        self.log_index
    }
}

/// What the key manager read in the log, compared with what the feed gave.
#[derive(Debug)]
pub(super) struct Withheld<L> {
    overdue: Duration,
    /// The last log index that was compared.
    after: u64,
    next: Option<Instant>,
    /// What the feed did not give yet, by log index; since when. Said once: then without a time.
    missing: BTreeMap<u64, (L, Option<Instant>)>,
}

impl<L: Logged> Withheld<L> {
    pub(super) fn new(overdue: Duration, after: u64) -> Self {
        Self { overdue, after, next: None, missing: BTreeMap::new() }
    }

    /// After which log index to ask, if it is time.
    pub(super) fn asks(&mut self, now: Instant) -> Option<u64> {
        let due = self.next.is_none_or(|next| next <= now);
        due.then(|| {
            self.next = Some(now + self.overdue / 2);
            self.after
        })
    }

    /// Goes past these; the last log index, once there are no more.
    fn pass(&mut self, logged: &[L]) -> Option<u64> {
        self.after = logged.iter().map(L::log_index).fold(self.after, u64::max);
        let more = logged.len() >= WHOLE;
        if more {
            self.next = None;
        }
        (!more).then_some(self.after)
    }

    /// Those that are missing for too long, each once.
    pub(super) fn compare(&mut self, logged: Vec<L>, known: impl Fn(&L) -> bool, now: Instant) -> Vec<L> {
        self.pass(&logged);
        self.missing.extend(logged.into_iter().map(|each| (each.log_index(), (each, Some(now)))));
        self.missing.retain(|_, (each, _)| !known(each));
        let mut late = Vec::new();
        for (each, since) in self.missing.values_mut() {
            if since.is_some_and(|since| now.duration_since(since) >= self.overdue) {
                *since = None;
                late.push(each.clone());
            }
        }
        late
    }
}

impl Connector {
    /// Compares what the key manager read in the log with what the feed gave.
    pub(super) async fn look_for_withheld(&mut self) -> Result<(), Trouble> {
        let now = Instant::now();
        if let Some(after) = self.manifests.asks(now) {
            match self.receiver.logged_manifests(after).await {
                Ok(logged) => self.compare_manifests(logged, now),
                Err(error) => self.say_later(None, &error.into()),
            }
        }
        if let Some(after) = self.decided.asks(now) {
            match self.receiver.logged_decisions(after).await {
                Ok(logged) if self.standing().heeding.is_some() => self.compare_decisions(logged, now),
                Ok(logged) => {
                    if let Some(after) = self.decided.pass(&logged) {
                        self.journal.append(&[Step::Heeding { after }]).map_err(Trouble::Journal)?;
                    }
                }
                Err(error) => self.say_later(None, &error.into()),
            }
        }
        Ok(())
    }

    fn compare_manifests(&mut self, logged: Vec<LoggedManifest>, now: Instant) {
        let standing = self.journal.standing();
        for LoggedManifest { manifest, log_index } in
            self.manifests.compare(logged, |each| standing.knows(&each.manifest, each.log_index), now)
        {
            (self.teller)(&Event::Withheld { manifest_hash: manifest.to_string(), log_index });
        }
    }

    fn compare_decisions(&mut self, logged: Vec<LoggedDecision>, now: Instant) {
        let (standing, target) = (self.journal.standing(), &self.target);
        let in_folders = matches!(target.handover, Handover::Folder(_));
        let known = |each: &LoggedDecision| {
            // Who took the folder of a dossier away is not told what is decided on it.
            let taken = || {
                in_folders
                    && standing.settled.contains(&each.manifest)
                    && !place(target, &folder_name(each.dossier, &each.manifest)).is_dir()
            };
            standing.heard_of(each.dossier, &each.manifest, each.log_index) || taken()
        };
        for LoggedDecision { dossier, manifest, log_index } in self.decided.compare(logged, known, now) {
            let (dossier, manifest_hash) = (dossier.to_string(), manifest.to_string());
            (self.teller)(&Event::DecisionWithheld { dossier, manifest_hash, log_index });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::super::feed::tests::entry;
    use super::super::standing::Standing;
    use super::*;

    #[tokio::test]
    async fn what_the_feed_does_not_give_in_time_is_said_once() {
        let (now, minutes) = (Instant::now(), |n: u64| Duration::from_secs(60 * n));
        let mut withheld = Withheld::new(minutes(10), 0);
        let mut standing = Standing::default();
        let knows = |standing: &Standing| {
            let standing = standing.clone();
            move |each: &LoggedManifest| standing.knows(&each.manifest, each.log_index)
        };
        let logged = |index| LoggedManifest { manifest: entry(index).manifest_hash, log_index: index };
        assert_eq!(withheld.asks(now), Some(0));
        assert_eq!(withheld.asks(now), None);
        assert!(withheld.compare(vec![logged(1), logged(2)], knows(&standing), now).is_empty());
        standing.take(Step::Received { delivery: entry(1) });
        let later = now + minutes(10);
        assert_eq!(withheld.asks(later), Some(2));
        let late = withheld.compare(vec![logged(3)], knows(&standing), later);
        assert_eq!(late.iter().map(|it| it.log_index).collect::<Vec<_>>(), [2]);
        assert!(withheld.compare(Vec::new(), knows(&standing), later + minutes(5)).is_empty());
        let late = withheld.compare(Vec::new(), knows(&standing), later + minutes(11));
        assert_eq!(late.iter().map(|it| it.log_index).collect::<Vec<_>>(), [3]);
        let later = later + minutes(20);
        assert_eq!(withheld.asks(later), Some(3));
        // A later manifest of the dossier takes the place of an earlier one; an earlier one of none.
        for (index, by) in [(4, 9), (5, 2)] {
            standing.take(Step::Replaced { manifest: entry(index).manifest_hash, by });
        }
        assert!(standing.knows(&entry(4).manifest_hash, 4) && !standing.knows(&entry(5).manifest_hash, 5));
        withheld.compare((4..504).map(logged).collect(), knows(&standing), later);
        assert_eq!(withheld.asks(later), Some(503), "there is more: it is asked for at once");
    }
}
