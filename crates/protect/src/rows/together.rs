//! Rows of data that come while others are written are written together: one transaction, and one sync of the disk, for all of them.
//!
//! Nobody waits for a batch to fill: who comes alone is written alone. Nobody is answered before the commit that has its row.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use sceau_element_api::documents::{Datum, DatumStatus, Document as _};
use sceau_element_api::protect::KeptRow;
use sceau_element_api::wire::AttestedRow;
use sceau_store::{Database, Transaction, Value, params};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::counted::{DAY, Stock, Stocked, keep_stock};
use super::{RowsError, stored};
use crate::schema::statements;
use crate::terms::Term;

/// Terms that one statement keeps.
const TERMS: usize = 8;

/// A version of a datum, as the database has it.
#[derive(Debug)]
pub(super) struct DatumRow {
    id: String,
    created: u64,
    values: Vec<Value>,
    terms: BTreeSet<Term>,
    stocked: Stocked,
    /// No earlier version had terms.
    is_new: bool,
}

/// Those that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by whoever writes: those who wait for it find themselves carried along.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Waiting {
    row: DatumRow,
    told: oneshot::Sender<Result<(), RowsError>>,
}

impl Waiting {
    fn with(row: DatumRow) -> (Self, oneshot::Receiver<Result<(), RowsError>>) {
        let (told, answer) = oneshot::channel();
        (Self { row, told }, answer)
    }
}

impl DatumRow {
    /// The row of a version that the element gave.
    ///
    /// # Errors
    /// [`RowsError::Document`].
    pub(super) fn of(row: &AttestedRow, kept: &KeptRow) -> Result<Self, RowsError> {
        let datum = Datum::parse(&kept.payload).map_err(|_| RowsError::Document)?.document;
        let id = datum.id.to_string();
        let status = status_of(&datum);
        let values = params![
            id.as_str(),
            datum.organisation.to_string(),
            datum.application.to_string(),
            status,
            datum.created,
            datum.expires,
            row.version,
            row.index,
            kept.payload.0.clone(),
            kept.salt.0.clone(),
        ]
        .to_vec();
        let (created, terms) = (datum.created, Term::all(&datum));
        let stocked = (datum.organisation.to_string(), status.to_owned(), datum.expires / DAY);
        Ok(Self { id, created, values, terms, stocked, is_new: row.version == 1 })
    }
}

/// What a datum is counted as: held before what its owner did, as in a search ([`super::DatumState`]). That its key ended is a matter of the day.
pub(super) fn status_of(datum: &Datum) -> &'static str {
    match datum.status {
        DatumStatus::Erased => "erased",
        _ if datum.held.is_some() => "held",
        DatumStatus::Inactive => "inactive",
        DatumStatus::Active => "active",
    }
}

impl Together {
    /// Writes a row, with those that came meanwhile.
    ///
    /// # Errors
    /// [`RowsError`], of this row alone.
    pub(super) async fn keep(&self, database: &Database, row: DatumRow) -> Result<(), RowsError> {
        self.keep_all(database, vec![row]).await
    }

    /// Writes several rows likewise.
    ///
    /// # Errors
    /// [`RowsError`], of the first of these that is not written.
    pub(super) async fn keep_all(&self, database: &Database, rows: Vec<DatumRow>) -> Result<(), RowsError> {
        let (waiting, answers): (Vec<_>, Vec<_>) = rows.into_iter().map(Waiting::with).unzip();
        self.waiting().extend(waiting);
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let batch = std::mem::take(&mut *self.waiting());
        if !batch.is_empty() {
            // To its end, whether or not whoever has the turn goes away: others are in it.
            tokio::spawn(write(database.clone(), batch, turn));
        }
        let mut outcome = Ok(());
        for answer in answers {
            let written = answer.await.unwrap_or(Err(RowsError::Stopped));
            outcome = outcome.and(written);
        }
        outcome
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a batch with the turn, and tells each.
async fn write(database: Database, batch: Vec<Waiting>, _turn: OwnedMutexGuard<()>) {
    let outcome = keep_all(&database, batch.iter().map(|one| &one.row)).await;
    if outcome.is_err() && batch.len() > 1 {
        // What fails of one is not the fault of the others: each by itself, and none behind another that the database makes wait.
        for Waiting { row, told } in batch {
            let database = database.clone();
            tokio::spawn(async move {
                let _ = told.send(keep_all(&database, std::iter::once(&row)).await);
            });
        }
        return;
    }
    let mut outcome = Some(outcome);
    for Waiting { told, .. } in batch {
        // Who does not wait any more is no error. One that failed was alone.
        let _ = told.send(outcome.take().unwrap_or(Ok(())));
    }
}

async fn keep_all(database: &Database, rows: impl Iterator<Item = &DatumRow>) -> Result<(), RowsError> {
    let mut all = database.begin().await?;
    let mut stock = Stock::new();
    for row in rows {
        let before = if row.is_new { None } else { forget_terms(&mut all, row).await? };
        let kept = all.fetch_one(statements::KEEP_DATUM, &row.values).await?;
        // A first version that was there already is counted already.
        if before.is_some() || kept.get::<i64>("kept")? == 1 {
            *stock.entry(row.stocked.clone()).or_default() += 1;
        }
        if let Some(before) = before {
            *stock.entry(before).or_default() -= 1;
        }
        keep_terms(&mut all, row, kept.get("number")?).await?;
    }
    keep_stock(&mut all, &stock).await?;
    Ok(all.commit().await?)
}

/// Forgets the terms of the version before that this one has not, and gives as what that one is counted. Where the database altered that version, some stay: they find a datum that is then
/// seen not to be what was searched for.
async fn forget_terms(all: &mut Transaction, row: &DatumRow) -> Result<Option<Stocked>, RowsError> {
    let Some(before) = all.fetch_optional(statements::BEFORE, params![row.id.as_str()]).await? else {
        return Ok(None);
    };
    let (number, payload): (i64, Vec<u8>) = (before.get("number")?, stored(&before, "payload")?);
    let ended = stored::<u64>(&before, "expires")? / DAY;
    let stocked = Some((stored(&before, "organisation")?, stored(&before, "status")?, ended));
    let Ok(before) = Datum::parse(&payload) else { return Ok(stocked) };
    for term in Term::all(&before.document).difference(&row.terms) {
        all.execute(statements::FORGET_TERM, params![term.0, before.document.created, number]).await?;
    }
    Ok(stocked)
}

async fn keep_terms(all: &mut Transaction, row: &DatumRow, number: i64) -> Result<(), RowsError> {
    let terms: Vec<&Term> = row.terms.iter().collect();
    for some in terms.chunks(TERMS) {
        // The statement takes so many: the last one again says nothing new.
        let padded = some.iter().chain(some.last().into_iter().cycle()).take(TERMS);
        let mut values = params![number, row.created].to_vec();
        values.extend(padded.map(|term| Value::from(term.0)));
        all.execute(statements::KEEP_TERMS, &values).await?;
    }
    Ok(())
}
