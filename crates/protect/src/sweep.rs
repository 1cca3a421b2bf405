//! Holds the rows of data to what the element attested, a bounded number at a time, so that what whoever writes the database deleted, edited, swapped or rolled
//! back is noticed also where nobody asks for it, named in the log of the process, and brought back.
//!
//! Two walks, each from the beginning again once it came to the end. Of the rows: each is the current version of its datum, and found by the columns that
//! its document says. Of the log: each datum that was begun has a row under the number of its beginning. A row that was just changed is no finding: what differs
//! is looked at once more in the next round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::{Code, MAX_ENTRIES, MAX_ROWS, RowKey};
use sceau_element_api::{CallError, Client, Kind};
use sceau_trace::{Evidence, Record, VerifierKey};
use tokio::sync::watch;

use crate::rows::{At, Rows};
use crate::tally::TallyError;

/// Between two rounds: ten million rows take a day and some hours.
const EVERY: Duration = Duration::from_secs(10);
/// Lots of the log that a round walks.
const LOTS: usize = 16;
/// Missing numbers of a lot that a round asks the element about.
const ASKED: usize = 32;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amiss {
    /// The element attested a datum that the database does not have.
    Missing,
    /// The database has another version, or another document, than the current one.
    Altered,
    /// The document is the current one, and the columns that it is found by are not its own: a list does not show it, or elsewhere.
    Misplaced,
    /// The element attested no such datum.
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

/// Sweeps.
#[derive(Debug)]
pub struct Sweep {
    element: Client,
    rows: Rows,
    /// How far the rows were walked.
    row: At,
    /// How far the log was.
    index: u64,
    /// What differed in the round before, by what the row calls itself.
    suspects: BTreeMap<String, Amiss>,
}

impl Sweep {
    /// Holds these rows to what this element attested.
    #[must_use]
    pub fn new(element: Client, rows: Rows) -> Self {
        Self { element, rows, row: At::default(), index: 0, suspects: BTreeMap::new() }
    }

    /// Sweeps until told to stop.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let swept = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                swept = self.round() => swept,
            };
            if let Err(error) = swept {
                tracing::debug!(%error, "rows of data are not held to the element's");
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// One round: what it found twice, each named in the log of the process, and brought back where it is the element's.
    ///
    /// # Errors
    /// When the database or the element does not answer; what was not looked at is so in the next round.
    pub async fn round(&mut self) -> Result<Vec<(String, Amiss)>, TallyError> {
        let mut found = BTreeMap::new();
        self.walk_rows(&mut found).await?;
        for _ in 0..LOTS {
            if !self.walk_log(&mut found).await? {
                break;
            }
        }
        let before = std::mem::replace(&mut self.suspects, found);
        let mut named = Vec::new();
        for (id, amiss) in before {
            let now = self.look(&id, amiss).await?;
            self.suspects.remove(&id);
            if now {
                self.name(&id, amiss).await?;
                named.push((id, amiss));
            }
        }
        Ok(named)
    }

    async fn walk_rows(&mut self, found: &mut BTreeMap<String, Amiss>) -> Result<(), TallyError> {
        let listed = self.rows.listed(&self.row, MAX_ROWS).await?;
        let known: Vec<(&_, DatumId)> =
            listed.iter().filter_map(|one| Some((one, datum(one.id())?))).collect();
        let keys = known.iter().map(|(_, id)| RowKey { kind: Kind::Datum, id: (*id).into() }).collect();
        let attested = self.element.current_many(keys).await?;
        for (one, (_, row)) in known.iter().map(|(one, _)| one).zip(known.iter().zip(&attested)) {
            let amiss = match row {
                None => Amiss::Unknown,
                Some(row) if row.hash != sceau_trace::sha256(&one.payload) => Amiss::Altered,
                Some(_) if !one.is_found_as_it_is() => Amiss::Misplaced,
                Some(_) => continue,
            };
            found.insert(one.id().to_owned(), amiss);
        }
        let ids: BTreeSet<_> = known.iter().map(|(one, _)| one.id()).collect();
        for one in listed.iter().filter(|one| !ids.contains(one.id())) {
            found.insert(one.id().to_owned(), Amiss::Unknown);
        }
        self.row = listed.into_iter().next_back().map(|last| last.at).unwrap_or_default();
        Ok(())
    }

    /// A lot of the log; whether there may be more.
    async fn walk_log(&mut self, found: &mut BTreeMap<String, Amiss>) -> Result<bool, TallyError> {
        let entries = match self.element.entries(self.index, MAX_ENTRIES).await {
            Err(CallError::Refused(refusal)) if refusal.code == Code::NotFound => Vec::new(),
            entries => entries?,
        };
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if count == 0 {
            self.index = 0;
            return Ok(false);
        }
        let end = self.index + count;
        let there: BTreeSet<_> = self.rows.numbered(self.index, end).await?.into_iter().collect();
        let begun = (self.index..).zip(&entries).filter(|(_, entry)| begins(entry)).map(|(index, _)| index);
        let gone: Vec<_> = begun.filter(|index| !there.contains(index)).collect();
        for index in gone.iter().take(ASKED) {
            let Some(id) = self.datum_of(*index).await? else { continue };
            let amiss = match self.rows.number_of(id).await? {
                None => Amiss::Missing,
                Some(number) => {
                    let of = self.datum_of(number).await?;
                    // Brought back once, and numbered by the version of then.
                    if of == Some(id) {
                        continue;
                    }
                    if let Some(of) = of
                        && self.rows.number_of(of).await?.is_none()
                    {
                        found.insert(of.to_string(), Amiss::Missing);
                    }
                    Amiss::Misplaced
                }
            };
            found.insert(id.to_string(), amiss);
        }
        self.index = gone.get(ASKED).copied().unwrap_or(end);
        Ok(gone.len() <= ASKED)
    }

    /// Which datum an entry of the log attests, in the element's word.
    async fn datum_of(&self, index: u64) -> Result<Option<DatumId>, TallyError> {
        let evidence = match self.element.evidence(index).await {
            Err(CallError::Refused(_)) => return Ok(None),
            evidence => evidence?,
        };
        let key: Option<VerifierKey> = self.element.hello().await?.log_key.parse().ok();
        let verified = Evidence::parse(evidence.as_bytes()).ok().zip(key);
        let verified = verified.and_then(|(evidence, key)| evidence.verify(Some(&key)).ok());
        let attested = verified.as_ref().and_then(|verified| verified.record.attested());
        Ok(attested.and_then(|attested| datum(&attested.id)))
    }

    /// Whether a row differs still.
    async fn look(&self, id: &str, amiss: Amiss) -> Result<bool, TallyError> {
        let Some(datum) = datum(id) else { return Ok(true) };
        let listed = self.rows.datum(datum).await?;
        let key = RowKey { kind: Kind::Datum, id: datum.into() };
        let attested = self.element.current_many(vec![key]).await?.into_iter().next().flatten();
        let same = listed
            .zip(attested)
            .is_some_and(|(listed, row)| row.hash == sceau_trace::sha256(&listed.payload));
        Ok(amiss == Amiss::Misplaced || !same)
    }

    /// Says it, and brings the row back.
    async fn name(&self, id: &str, amiss: Amiss) -> Result<(), TallyError> {
        tracing::warn!(
            datum = id,
            amiss = amiss.as_str(),
            "the database has not what the element attested of a datum: somebody else writes it, or a backup was brought back"
        );
        let Some(datum) = datum(id) else { return Ok(()) };
        if let Some((row, kept)) = self.element.kept(Kind::Datum, datum).await? {
            self.rows.keep_datum(&row, &kept).await?;
        }
        Ok(())
    }
}

/// The datum of an id; none where it is no id.
fn datum(id: &str) -> Option<DatumId> {
    serde_json::from_value(id.into()).ok()
}

/// Whether an entry of the log begins a datum.
fn begins(entry: &[u8]) -> bool {
    let record = Record::parse(entry).ok();
    let attested = record.as_ref().and_then(Record::attested);
    attested.is_some_and(|attested| attested.kind == Kind::Datum.as_str() && attested.version == 1)
}
