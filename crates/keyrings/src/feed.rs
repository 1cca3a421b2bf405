//! Brings rows from the element's log, each with the proof that the log has it, and holds them to it: what whoever writes the database deleted, edited, swapped or rolled back is
//! named in the log of the process, and brought back.
//!
//! Several hosts on one database may read at once: a row is the same whoever keeps it, and the place is moved by whoever finds it as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sceau_element_api::wire::{AttestedRow, Code, MAX_ENTRIES, MAX_ROWS, RowKey};
use sceau_element_api::{CallError, Client, Kind, RowId};
use sceau_trace::{Attested, Evidence, Outcome, Record, VerifierKey, sha256};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;

use crate::rows::{At, KINDS, Listed, Rows, RowsError};

/// How often the log is looked at where nobody says that it has more.
const EVERY: Duration = Duration::from_secs(2);
/// Between the beginnings of two readings that callers ask for.
const APART: Duration = Duration::from_millis(100);
/// Between those of two that are begun because the log has more, where it goes on having more; and how many are begun at once before. Whoever misses a row in between asks for a
/// reading.
const NUDGED_APART: Duration = Duration::from_millis(125);
const NUDGED_AT_ONCE: u32 = 16;
/// Between two rounds of looking whether rows are the element's.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Lots of the log that a round walks again.
const LOTS: usize = 16;

/// Rows are not brought.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Rows(#[from] RowsError),
    /// The element does not.
    #[error("the element does not answer: {0}")]
    Element(#[from] CallError),
    /// What it says of a row is not in its log.
    #[error("the element's log does not prove the row at {0}: nothing was kept of it")]
    Unproven(u64),
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amiss {
    /// The element attested it, and the database does not have it.
    Missing,
    /// The database has another version, or another document, than the current one.
    Altered,
    /// The document is the current one, and what it is found by is not its own.
    Misplaced,
    /// The element attested no such row.
    Unknown,
}

impl Amiss {
    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Altered => "altered",
            Self::Misplaced => "misplaced",
            Self::Unknown => "unknown",
        }
    }
}

/// Reads the log. Clones are the same.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    element: Client,
    rows: Rows,
    /// One reads at a time: who waits finds it read.
    turn: Mutex<Readings>,
    more: Notify,
}

/// When the log was read.
#[derive(Debug, Default)]
struct Readings {
    /// When the last reading began.
    begun: Option<Instant>,
    /// When the last one began that came to the end.
    whole: Option<Instant>,
}

/// How far the walks came.
#[derive(Debug, Default)]
pub struct Walk {
    row: At,
    index: u64,
    suspects: BTreeMap<(String, String), Amiss>,
}

impl Feed {
    /// Reads this element's log into these rows.
    #[must_use]
    pub fn new(element: Client, rows: Rows) -> Self {
        Self(Arc::new(Parts { element, rows, turn: Mutex::default(), more: Notify::new() }))
    }

    /// Says that the log has more.
    pub fn nudge(&self) {
        self.0.more.notify_one();
    }

    /// Reads until told to stop, and beside that holds the rows to the element's.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        tokio::join!(self.read(stopped.clone()), self.sweep(stopped));
    }

    async fn read(&self, mut stopped: watch::Receiver<bool>) {
        let (mut failing, mut paid) = (false, Instant::now());
        loop {
            let read = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                read = self.catch_up() => read,
            };
            if let Err(error) = &read
                && !failing
            {
                tracing::warn!(%error, "the log is not read: lists of keyrings show what was before");
            }
            failing = read.is_err();
            // Each reading is paid for by the time between two, on credit for a few.
            let now = Instant::now();
            paid = paid.max(now) + NUDGED_APART;
            let nudged = async {
                tokio::time::sleep_until(paid.checked_sub(NUDGED_APART * NUDGED_AT_ONCE).unwrap_or(now))
                    .await;
                self.0.more.notified().await;
            };
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = nudged, if !failing => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Reads to the end of the log, as it is now at the earliest.
    ///
    /// # Errors
    /// [`FeedError`]; what was not read is so the next time.
    pub async fn catch_up(&self) -> Result<(), FeedError> {
        self.read_since(Instant::now(), Duration::ZERO).await
    }

    /// The same for whoever calls, known or not: all who ask meanwhile have one reading, and there are so many a second, whoever asks.
    ///
    /// # Errors
    /// As [`Feed::catch_up`].
    pub(crate) async fn freshen(&self) -> Result<(), FeedError> {
        self.read_since(Instant::now(), APART).await
    }

    async fn read_since(&self, asked: Instant, apart: Duration) -> Result<(), FeedError> {
        let mut turn = self.0.turn.lock().await;
        // Who waited for the turn may find it read.
        if turn.whole.is_some_and(|begun| begun >= asked) {
            return Ok(());
        }
        if let Some(begun) = turn.begun {
            tokio::time::sleep_until(begun + apart).await;
        }
        let begun = Instant::now();
        turn.begun = Some(begun);
        while self.lot().await? {}
        turn.whole = Some(begun);
        Ok(())
    }

    /// Where to read on. The database is believed of that too as far as it can be: what is no place in the log is none, and all is read again.
    async fn fed(&self) -> Result<u64, FeedError> {
        let rows = &self.0.rows;
        let (next, size) = (rows.fed().await?, self.0.element.hello().await?.size);
        if let Some(next) = next.filter(|next| *next <= size) {
            return Ok(next);
        }
        tracing::warn!(
            "the database does not say how far the log was read: somebody else writes it, or a backup of the element was brought back; it is read again"
        );
        rows.feed_from(0).await?;
        Ok(0)
    }

    /// Up to [`MAX_ENTRIES`] records; whether there may be more.
    async fn lot(&self) -> Result<bool, FeedError> {
        let rows = &self.0.rows;
        let from = self.fed().await?;
        let entries = self.entries(from).await?;
        for (index, entry) in (from..).zip(&entries) {
            if let Some((kind, first)) = of_ours(entry) {
                let (id, _) = self.attested(kind, index).await?;
                self.bring(kind, id, (if first { index } else { 0 }, false)).await?;
            }
        }
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if count > 0 {
            rows.feed_on(from, from + count).await?;
        }
        Ok(count > 0)
    }

    async fn entries(&self, from: u64) -> Result<Vec<Vec<u8>>, FeedError> {
        match self.0.element.entries(from, MAX_ENTRIES).await {
            // The end of the log.
            Err(CallError::Refused(refusal)) if refusal.code == Code::NotFound => Ok(Vec::new()),
            entries => Ok(entries?),
        }
    }

    /// What the entry at an index attests, proven to be in the log.
    async fn attested(&self, kind: Kind, index: u64) -> Result<(RowId, Attested), FeedError> {
        let unproven = || FeedError::Unproven(index);
        let evidence = self.0.element.evidence(index).await?;
        let key: Option<VerifierKey> = self.0.element.hello().await?.log_key.parse().ok();
        let evidence = Evidence::parse(evidence.as_bytes()).ok().zip(key);
        let verified = evidence.and_then(|(evidence, key)| evidence.verify(Some(&key)).ok());
        let verified = verified.filter(|verified| verified.index == index).ok_or_else(unproven)?;
        let attested = verified.record.attested().filter(|it| it.kind == kind.as_str());
        let attested = attested.ok_or_else(unproven)?.clone();
        Ok((attested.id.parse().map_err(|_| unproven())?, attested))
    }

    /// Keeps the current version of a row, if the log has it.
    async fn bring(&self, kind: Kind, id: RowId, place: (u64, bool)) -> Result<(), FeedError> {
        let Some((row, kept)) = self.0.element.kept(kind, id.clone()).await? else {
            return Err(FeedError::Unproven(place.0));
        };
        let (named, attested) = self.attested(kind, row.index).await?;
        let proven = named == id
            && attested.version == row.version
            && attested.hash == row.hash
            && sha256(&kept.payload) == row.hash;
        if !proven {
            return Err(FeedError::Unproven(row.index));
        }
        let row = AttestedRow { version: row.version, hash: row.hash, index: row.index };
        Ok(self.0.rows.keep(kind, &row, &kept.payload, place).await?)
    }

    async fn sweep(&self, mut stopped: watch::Receiver<bool>) {
        let mut walk = Walk::default();
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                round = self.round(&mut walk) => {
                    if let Err(error) = round {
                        tracing::debug!(%error, "rows of keyrings are not held to the element's");
                    }
                }
            }
        }
    }

    /// One round of holding rows to the element's: what was found in two rounds, each named in the log of the process, and brought back.
    ///
    /// # Errors
    /// [`FeedError`]; what was not looked at is so in the next round.
    pub async fn round(&self, walk: &mut Walk) -> Result<Vec<(String, Amiss)>, FeedError> {
        self.catch_up().await?;
        let mut found = BTreeMap::new();
        self.walk_rows(walk, &mut found).await?;
        self.walk_log(walk, &mut found).await?;
        let before = std::mem::replace(&mut walk.suspects, found);
        let mut named = Vec::new();
        for ((kind, id), amiss) in before {
            walk.suspects.remove(&(kind.clone(), id.clone()));
            if self.differs(&kind, &id, amiss).await? {
                self.put_right(&kind, &id, amiss).await?;
                named.push((id, amiss));
            }
        }
        Ok(named)
    }

    async fn walk_rows(
        &self,
        walk: &mut Walk,
        found: &mut BTreeMap<(String, String), Amiss>,
    ) -> Result<(), FeedError> {
        let listed = self.0.rows.following(&walk.row, MAX_ROWS).await?;
        let key = |one: &Listed| Some(RowKey { kind: one.kind()?, id: one.id().parse().ok()? });
        let keys: Vec<Option<RowKey>> = listed.iter().map(key).collect();
        let asked = keys.iter().flatten().cloned().collect();
        let mut current = self.0.element.current_many(asked).await?.into_iter();
        for (one, key) in listed.iter().zip(&keys) {
            let amiss = match key.as_ref().and_then(|_| current.next().flatten()) {
                None => Amiss::Unknown,
                Some(row) if row.hash != sha256(&one.payload) => Amiss::Altered,
                Some(row) if !one.is_at(&row) => Amiss::Misplaced,
                Some(_) if !self.0.rows.is_found_as_it_is(one).await? => Amiss::Misplaced,
                Some(_) => continue,
            };
            found.insert((one.kind_word().to_owned(), one.id().to_owned()), amiss);
        }
        walk.row = listed.into_iter().next_back().map(|last| last.at).unwrap_or_default();
        Ok(())
    }

    /// First versions in the log that no row is numbered by.
    async fn walk_log(
        &self,
        walk: &mut Walk,
        found: &mut BTreeMap<(String, String), Amiss>,
    ) -> Result<(), FeedError> {
        for _ in 0..LOTS {
            let entries = self.entries(walk.index).await?;
            if entries.is_empty() {
                walk.index = 0;
                break;
            }
            let end = walk.index + u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let there: BTreeSet<_> = self.0.rows.numbered(walk.index, end).await?.into_iter().collect();
            for (index, entry) in (walk.index..).zip(&entries) {
                let Some((kind, true)) = of_ours(entry) else { continue };
                if there.contains(&index) {
                    continue;
                }
                let (id, _) = self.attested(kind, index).await?;
                match self.0.rows.payload(kind, id.as_str()).await? {
                    None => {
                        found.insert((kind.as_str().to_owned(), id.as_str().to_owned()), Amiss::Missing);
                    }
                    // Brought back once, or moved.
                    Some(_) => self.0.rows.number(kind, id.as_str(), index).await?,
                }
            }
            walk.index = end;
        }
        Ok(())
    }

    /// Whether a row differs still: what changed between two looks is no finding.
    async fn differs(&self, kind: &str, id: &str, amiss: Amiss) -> Result<bool, FeedError> {
        let (Some(kind), Ok(key)) = (kind_of(kind), id.parse::<RowId>()) else { return Ok(true) };
        let current = self.0.element.current_many(vec![RowKey { kind, id: key }]).await?.pop().flatten();
        let payload = self.0.rows.payload(kind, id).await?;
        let same = payload.zip(current).is_some_and(|(payload, row)| row.hash == sha256(&payload));
        Ok(amiss == Amiss::Misplaced || !same)
    }

    async fn put_right(&self, kind: &str, id: &str, amiss: Amiss) -> Result<(), FeedError> {
        tracing::warn!(
            kind,
            id,
            amiss = amiss.as_str(),
            "the database has not what the element attested of keyrings: somebody else writes it, or a backup was brought back"
        );
        match (kind_of(kind), id.parse::<RowId>(), amiss) {
            (Some(kind), Ok(key), Amiss::Missing | Amiss::Altered | Amiss::Misplaced) => {
                self.bring(kind, key, (0, true)).await
            }
            _ => Ok(self.0.rows.drop_row(kind, id).await?),
        }
    }
}

fn kind_of(text: &str) -> Option<Kind> {
    KINDS.into_iter().find(|kind| kind.as_str() == text)
}

/// How a record begins to say what it attests.
const ATTESTED: &[u8] = b"\"attested\":";

/// What kind of ours an entry of the log attests, and whether it is a first version.
fn of_ours(entry: &[u8]) -> Option<(Kind, bool)> {
    // Most attest nothing, and are not read whole.
    entry.windows(ATTESTED.len()).find(|at| *at == ATTESTED)?;
    // What a later version wrote is of nobody here.
    let record = Record::parse(entry).ok().filter(|record| record.outcome() == Outcome::Granted)?;
    let attested = record.attested()?;
    Some((kind_of(&attested.kind)?, attested.version == 1))
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
