//! Counts the records of the log that are about protection, by hour, so that neither a dashboard nor the list of accesses reads the log from its beginning.
//!
//! Several platforms on one database may count at once: each lot is counted by whoever moves the position, in one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::{Code, MAX_ENTRIES};
use sceau_element_api::{CallError, Client};
use sceau_trace::{ActorKind, Outcome, Record};
use tokio::sync::watch;

use crate::rows::{Rows, RowsError};
use crate::sweep::Sweep;

/// Milliseconds of an hour.
pub(crate) const HOUR: u64 = 3_600_000;
/// How often the log is looked at once all of it was counted.
const EVERY: Duration = Duration::from_secs(2);
/// What the log's actions are called that are about protection.
const PREFIXES: [&str; 3] = ["application.", "datum.", "epoch."];

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) organisation: String,
    pub(crate) hour: u64,
    pub(crate) application: String,
    pub(crate) action: String,
    pub(crate) code: String,
}

/// How often, and between which indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) n: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Calls about a datum that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    pub(crate) n: u64,
    /// When the last one was, in Unix milliseconds.
    pub(crate) last: u64,
}

/// How far the log was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tallied {
    /// The next index.
    pub(crate) next: u64,
    /// The hour of the last record, in Unix milliseconds.
    pub(crate) hour: u64,
}

/// Counts.
#[derive(Debug, Clone)]
pub struct Tally {
    element: Client,
    rows: Rows,
}

/// A lot is not counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TallyError {
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Rows(#[from] RowsError),
    /// The element does not.
    #[error("the element does not answer: {0}")]
    Element(#[from] CallError),
}

impl Tally {
    /// Counts this element's log into these rows.
    #[must_use]
    pub fn new(element: Client, rows: Rows) -> Self {
        Self { element, rows }
    }

    /// Counts, and beside that holds the rows of data to the element's, until told to stop.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        let sweep = Sweep::new(self.element.clone(), self.rows.clone());
        tokio::join!(self.count(stopped.clone()), sweep.run(stopped));
    }

    async fn count(self, mut stopped: watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            let more = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                counted = self.lot() => counted,
            };
            if let Err(error) = &more
                && !failing
            {
                tracing::warn!(%error, "the log is not counted: the pages of protected data show less than there is");
            }
            failing = more.is_err();
            if !more.unwrap_or(false) {
                tokio::select! {
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    }

    /// Counts up to [`MAX_ENTRIES`] records; whether there may be more.
    ///
    /// # Errors
    /// [`TallyError`]; nothing of the lot is counted.
    pub async fn lot(&self) -> Result<bool, TallyError> {
        let from = self.rows.tallied().await?;
        let entries = match self.element.entries(from.next, MAX_ENTRIES).await {
            // The end of the log.
            Err(CallError::Refused(refusal)) if refusal.code == Code::NotFound => return Ok(false),
            entries => entries?,
        };
        let (counts, to) = count(&entries, from);
        let refusals = self.refusals(&entries, from.next, &counts).await?;
        // Another counted it meanwhile: that is as good.
        self.rows.tally(from, to, &counts, &refusals).await?;
        Ok(!entries.is_empty())
    }
}

impl Tally {
    /// Refused calls of these entries, the first of which is at `from`, by datum: the log shows a commitment, so that the element says which.
    async fn refusals(
        &self,
        entries: &[Vec<u8>],
        from: u64,
        counts: &BTreeMap<Counted, Times>,
    ) -> Result<BTreeMap<DatumId, Refusals>, TallyError> {
        let mut refusals: BTreeMap<DatumId, Refusals> = BTreeMap::new();
        if counts.keys().all(|key| key.application.is_empty() || key.code.is_empty()) {
            return Ok(refusals);
        }
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        for (index, datum) in self.element.refused_calls(from, count).await? {
            let at = usize::try_from(index.saturating_sub(from)).unwrap_or(usize::MAX);
            let record = entries.get(at).and_then(|entry| Record::parse(entry).ok());
            let of = refusals.entry(datum).or_default();
            of.n += 1;
            of.last = of.last.max(record.map_or(0, |record| record.time()));
        }
        Ok(refusals)
    }
}

/// Whether an action is about protection.
pub(crate) fn is_of_protection(action: &str) -> bool {
    PREFIXES.iter().any(|prefix| action.starts_with(prefix))
}

/// The application of a record: none where somebody else acted.
pub(crate) fn application_of(record: &Record) -> &str {
    if record.actor().kind == ActorKind::Application { &record.actor().id } else { "" }
}

/// Counts entries of the log that follow each other. Hours never go back, so that the order of hours is that of the log, though a clock was set back.
fn count(entries: &[Vec<u8>], from: Tallied) -> (BTreeMap<Counted, Times>, Tallied) {
    let mut counts = BTreeMap::new();
    let mut at = from;
    for entry in entries {
        let index = at.next;
        at.next += 1;
        // What another program wrote, or a later version, is of nobody here.
        let Ok(record) = Record::parse(entry) else { continue };
        let hour = record.time() / HOUR * HOUR;
        let Some(organisation) = record.organisation().filter(|_| is_of_protection(record.action().as_str()))
        else {
            continue;
        };
        at.hour = at.hour.max(hour);
        let key = Counted {
            organisation: organisation.to_owned(),
            hour: at.hour,
            application: application_of(&record).to_owned(),
            action: record.action().to_string(),
            code: if record.outcome() == Outcome::Refused { record.code().to_owned() } else { String::new() },
        };
        let times = counts.entry(key).or_insert(Times { n: 0, first: index, last: index });
        times.n += 1;
        times.last = index;
    }
    (counts, at)
}

#[cfg(test)]
mod tests {
    use sceau_trace::{Action, Actor, Asserted};

    use super::*;

    const ORGANISATION: &str = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f1a9b60";
    const APPLICATION: &str = "5a3d9c1e-2b4f-4c6d-8e7a-9b0c1d2e3f40";

    fn entry(time: u64, action: Action, code: Option<&str>, organisation: Option<&str>) -> Vec<u8> {
        let actor = Actor::new(ActorKind::Application, APPLICATION);
        let mut record = Record::builder(time, actor, Asserted::Application, action);
        record = match code {
            Some(code) => record.refused(code),
            None => record.granted(),
        };
        if let Some(organisation) = organisation {
            record = record.organisation(organisation);
        }
        record.build().unwrap().to_bytes()
    }

    #[test]
    fn what_is_alike_is_counted_together_and_hours_never_go_back() {
        let of = Some(ORGANISATION);
        let entries = [
            entry(5 * HOUR + 1, Action::DATUM_OPEN, None, of),
            b"what nobody reads".to_vec(),
            entry(5 * HOUR + 9, Action::DATUM_OPEN, None, of),
            entry(5 * HOUR + 9, Action::DATUM_OPEN, Some("user_not_authorised"), of),
            entry(6 * HOUR, Action::LOGIN, None, of),
            entry(6 * HOUR, Action::DATUM_OPEN, None, None),
            entry(7 * HOUR, Action::DATUM_OPEN, None, of),
            entry(4 * HOUR, Action::DATUM_OPEN, None, of),
        ];
        let (counts, to) = count(&entries, Tallied { next: 100, hour: 0 });
        let said: Vec<_> = counts
            .iter()
            .map(|(key, times)| (key.hour / HOUR, key.code.as_str(), times.n, times.first, times.last))
            .collect();
        assert_eq!(
            said,
            [(5, "", 2, 100, 102), (5, "user_not_authorised", 1, 103, 103), (7, "", 2, 106, 107)]
        );
        assert_eq!(to, Tallied { next: 108, hour: 7 * HOUR });
    }
}
