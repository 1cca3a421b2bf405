//! The bounded fail-open ("débrayage"): for as long as the operator allows, and no longer, an ended list is believed for want of another. Each
//! request that passes so leaves a record before it passes.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::{guard::Admitted, journal::Journal};

/// The alarm sounds once in so many milliseconds.
const ALARM: u64 = 60_000;
/// What is still open leaves another record after so many milliseconds.
const AGAIN: u64 = 60_000;

/// What a guard allows where no current list speaks.
#[derive(Debug)]
pub(crate) struct FailOpen {
    /// How long after the end of the last list (milliseconds).
    pub(crate) maximum_age: u64,
    path: PathBuf,
    journal: OnceLock<Journal>,
    alarm: Mutex<Alarm>,
}

#[derive(Debug, Default)]
struct Alarm {
    sounded: Option<u64>,
    since: u64,
}

/// One request.
pub(crate) struct Passing<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) from: IpAddr,
    pub(crate) now: u64,
}

/// What a request became that is still open, and its records.
#[derive(Debug)]
pub(crate) struct GoesOn {
    id: String,
    state: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    /// When the last one was begun; none: nothing is unchecked.
    recorded: Option<u64>,
    waiting: Option<oneshot::Receiver<()>>,
}

impl GoesOn {
    /// Of this request, whose record was left then, where it was unchecked.
    pub(crate) fn begin(id: &str, recorded: Option<u64>) -> Self {
        Self { id: id.to_owned(), state: Mutex::new(Records { recorded, waiting: None }) }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A list speaks for it: should that end, the next record is left at once.
    pub(crate) fn reset(&self) {
        *self.state() = Records::default();
    }

    fn state(&self) -> MutexGuard<'_, Records> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn record(event: &str, clients: &str, who: &Admitted, passing: &Passing<'_>) -> Value {
    let identity = who.identity();
    json!({
        "event": event,
        "time": passing.now,
        "request": passing.id,
        "clients": clients,
        "subject": identity.subject.to_string(),
        "issuer": identity.issuer.to_string(),
        "serial": identity.serial,
        "fingerprint": identity.fingerprint.to_string(),
        "from": passing.from,
        "method": passing.method,
        "route": passing.route,
    })
}

impl FailOpen {
    pub(crate) fn new(maximum_age: u64, path: PathBuf) -> Self {
        Self { maximum_age, path, journal: OnceLock::new(), alarm: Mutex::default() }
    }

    /// Its journal's file.
    pub(crate) fn journal(&self) -> &Path {
        &self.path
    }

    /// Opens its journal: without it nobody passes.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn arm(&self) -> io::Result<()> {
        if self.journal.get().is_none() {
            drop(self.journal.set(Journal::open(&self.path)?));
        }
        Ok(())
    }

    /// Whether the request may pass: its record is on disk.
    pub(crate) async fn record(&self, clients: &str, who: &Admitted, passing: Passing<'_>) -> bool {
        let Some(journal) = self.journal.get() else { return false };
        let kept = journal.keep(&record("unchecked", clients, who, &passing)).await;
        if kept {
            self.warn(clients, journal, passing.now);
        }
        kept
    }

    /// Whether what is still open may go on: once in [`AGAIN`] it leaves another record, and ends where the last one could not be written.
    pub(crate) fn record_again(
        &self,
        clients: &str,
        who: &Admitted,
        passing: Passing<'_>,
        goes_on: &GoesOn,
    ) -> bool {
        let Some(journal) = self.journal.get() else { return false };
        let mut state = goes_on.state();
        if let Some(mut kept) = state.waiting.take() {
            match kept.try_recv() {
                Ok(()) => self.warn(clients, journal, passing.now),
                Err(TryRecvError::Empty) => state.waiting = Some(kept),
                Err(TryRecvError::Closed) => return false,
            }
        }
        let since = state.recorded.and_then(|recorded| passing.now.checked_sub(recorded));
        if since.is_some_and(|since| since < AGAIN) {
            return true;
        }
        if state.waiting.is_some() {
            return false;
        }
        state.recorded = Some(passing.now);
        state.waiting = Some(journal.begin(&record("still_unchecked", clients, who, &passing)));
        true
    }

    /// In the log, once a minute.
    fn warn(&self, clients: &str, journal: &Journal, now: u64) {
        if let Some(count) = self.sound(now) {
            let journal = journal.path().display();
            tracing::warn!(clients, count, %journal, "requests pass though no current list speaks for their certificates");
        }
    }

    /// There is another list: the next alarm sounds at once.
    pub(crate) fn rearm(&self, clients: &str) {
        let mut alarm = self.alarm();
        if alarm.sounded.is_some() {
            tracing::info!(
                clients,
                unsaid = alarm.since,
                "a new list is in use: for whom it speaks passes by it alone"
            );
        }
        *alarm = Alarm::default();
    }

    /// How many passed since the last alarm, where it is time for another.
    fn sound(&self, now: u64) -> Option<u64> {
        let mut alarm = self.alarm();
        alarm.since += 1;
        // One that sounded later than now was by a clock that was ahead.
        if alarm.sounded.is_some_and(|sounded| now.checked_sub(sounded).is_some_and(|since| since < ALARM)) {
            return None;
        }
        alarm.sounded = Some(now);
        Some(std::mem::take(&mut alarm.since))
    }

    fn alarm(&self) -> MutexGuard<'_, Alarm> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_pki::{Authority, AuthorityProfile, ClientIdentity};

    use super::*;

    fn who() -> Admitted {
        let authority = Authority::create(&AuthorityProfile::of("Essai"), 1_795_219_200_000).unwrap();
        Admitted::unchecked(ClientIdentity::read(authority.certificate().der()).unwrap())
    }

    /// Whether what this request became may go on at `now`.
    fn again(open: &FailOpen, who: &Admitted, goes_on: &GoesOn, now: u64) -> bool {
        let passing =
            Passing { id: goes_on.id(), method: "GET", route: "/", from: [192, 0, 2, 1].into(), now };
        open.record_again("clients", who, passing, goes_on)
    }

    #[tokio::test]
    async fn what_goes_on_unchecked_leaves_a_record_each_minute_and_at_once_after_a_list_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unchecked.jsonl");
        let (open, who) = (FailOpen::new(1, path.clone()), who());
        open.arm().unwrap();
        let goes_on = GoesOn::begin("one", Some(1_000));
        for (now, records) in [(1_500, 0), (60_999, 0), (61_000, 1), (61_500, 1), (121_000, 2), (5_000, 3)] {
            assert!(again(&open, &who, &goes_on, now), "{now}");
            let waiting = goes_on.state().waiting.take();
            if let Some(kept) = waiting {
                kept.await.unwrap();
            }
            let said = std::fs::read_to_string(&path).unwrap();
            assert_eq!(said.matches("\"request\":\"one\"").count(), records, "at {now}: {said}");
        }
        goes_on.reset();
        assert!(again(&open, &who, &goes_on, 5_001));
        let waiting = goes_on.state().waiting.take();
        waiting.unwrap().await.unwrap();
        let said = std::fs::read_to_string(&path).unwrap();
        assert_eq!(said.matches("\"event\":\"still_unchecked\"").count(), 4, "{said}");
    }

    #[test]
    fn what_goes_on_unchecked_ends_where_no_record_can_be_left() {
        let (open, who) = (FailOpen::new(1, "/dev/full".into()), who());
        open.arm().unwrap();
        let goes_on = GoesOn::begin("one", None);
        assert!(again(&open, &who, &goes_on, 0), "it is being written");
        while again(&open, &who, &goes_on, 1) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_alarm_sounds_once_a_minute_with_a_count() {
        let open = FailOpen::new(1, PathBuf::new());
        let sounded: Vec<_> = [0, 1, 2, 59_999, 60_000, 60_001].map(|now| open.sound(now)).to_vec();
        assert_eq!(sounded, [Some(1), None, None, None, Some(4), None]);
        assert_eq!([open.sound(30_000), open.sound(30_001)], [Some(2), None], "the clock went back");
    }
}
