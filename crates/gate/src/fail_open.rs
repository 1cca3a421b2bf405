//! The bounded fail-open ("débrayage"): for as long as the operator allows, and no longer, an ended list is believed for want of another. Each
//! request that passes so leaves a record before it passes.

use std::{
    io,
    net::IpAddr,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::json;

use crate::{guard::Admitted, journal::Journal};

/// The alarm sounds once in so many milliseconds.
const ALARM: u64 = 60_000;

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

impl FailOpen {
    pub(crate) fn new(maximum_age: u64, path: PathBuf) -> Self {
        Self { maximum_age, path, journal: OnceLock::new(), alarm: Mutex::default() }
    }

    /// Opens its journal: without it nobody passes.
    pub(crate) fn arm(&self) -> Result<(), (PathBuf, io::Error)> {
        if self.journal.get().is_none() {
            let journal = Journal::open(&self.path).map_err(|cause| (self.path.clone(), cause))?;
            drop(self.journal.set(journal));
        }
        Ok(())
    }

    /// Whether the request may pass: its record is on disk.
    pub(crate) async fn record(&self, clients: &str, who: &Admitted, passing: Passing<'_>) -> bool {
        let identity = &who.identity;
        let record = json!({
            "event": "unchecked",
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
        });
        let Some(journal) = self.journal.get() else { return false };
        let kept = journal.keep(&record).await;
        if kept && let Some(count) = self.sound(passing.now) {
            let journal = journal.path().display();
            tracing::warn!(clients, count, %journal, "requests pass though no current list speaks for their certificates");
        }
        kept
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
        if alarm.sounded.is_some_and(|sounded| now.saturating_sub(sounded) < ALARM) {
            return None;
        }
        alarm.sounded = Some(now);
        Some(std::mem::take(&mut alarm.since))
    }

    fn alarm(&self) -> std::sync::MutexGuard<'_, Alarm> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_sounds_once_a_minute_with_a_count() {
        let open = FailOpen::new(1, PathBuf::new());
        let sounded: Vec<_> = [0, 1, 2, 59_999, 60_000, 60_001].map(|now| open.sound(now)).to_vec();
        assert_eq!(sounded, [Some(1), None, None, None, Some(4), None]);
    }
}
