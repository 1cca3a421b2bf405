//! What is counted: records of the log by hour, data by state. Read by a few rows, however many there are.

use std::collections::BTreeMap;

use sceau_element_api::OrganisationId;
use sceau_element_api::documents::Remit;
use sceau_element_api::protect::DatumId;
use sceau_store::{Transaction, params};

use super::{Rows, RowsError};
use crate::schema::statements;
use crate::tally::{Counted, Refusals, Tallied, Times};

/// Milliseconds of a day.
pub(crate) const DAY: u64 = 86_400_000;

/// An organisation, a state, and the day on which keys end.
pub(super) type Stocked = (String, String, u64);
/// How the number of such data changes.
pub(super) type Stock = BTreeMap<Stocked, i64>;

/// Calls that were granted, and that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) granted: u64,
    pub(crate) refused: u64,
}

/// Indices of the log, both included, between which records of one kind and hour are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) hour: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Which stretches: hours from the one to before the other (Unix milliseconds), and what each record is; empty texts stand for all.
#[derive(Debug, Clone)]
pub(crate) struct Stretches {
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) before: u64,
    pub(crate) application: String,
    pub(crate) outcome: &'static str,
    pub(crate) by: &'static str,
}

impl Rows {
    /// How far the log was counted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tallied(&self) -> Result<Tallied, RowsError> {
        let row = self.database.fetch_one(statements::TALLIED, params![]).await?;
        Ok(Tallied { next: row.get("next")?, hour: row.get("hour")? })
    }

    /// Counts what stands in the log between two places, unless somebody else did.
    ///
    /// # Errors
    /// When the database does not answer: nothing is counted.
    pub(crate) async fn tally(
        &self,
        from: Tallied,
        to: Tallied,
        counts: &BTreeMap<Counted, Times>,
        refusals: &BTreeMap<DatumId, Refusals>,
    ) -> Result<(), RowsError> {
        let mut all = self.database.begin().await?;
        if all.execute(statements::TALLY_ON, params![to.next, to.hour, from.next]).await? == 0 {
            return Ok(all.rollback().await?);
        }
        for (key, times) in counts {
            let values = params![
                key.organisation.as_str(),
                key.hour,
                key.application.as_str(),
                key.action.as_str(),
                key.code.as_str(),
                times.n,
                times.first,
                times.last,
            ];
            all.execute(statements::TALLY, values).await?;
        }
        for (datum, Refusals { n, last }) in refusals {
            all.execute(statements::REFUSE, params![datum.to_string(), *n, *last]).await?;
        }
        Ok(all.commit().await?)
    }

    /// Calls of applications by hour, from one to before another.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn calls_by_hour(
        &self,
        remit: &Remit,
        from: u64,
        until: u64,
    ) -> Result<BTreeMap<u64, Outcomes>, RowsError> {
        let organisation = remit.organisation.to_string();
        let mut all: BTreeMap<u64, Outcomes> = BTreeMap::new();
        for application in each(remit) {
            let values = params![organisation.as_str(), from, until, application];
            let rows = self.database.fetch_all(statements::CALLS_BY_HOUR, values).await?;
            for (hour, Outcomes { granted, refused }) in gathered::<u64>(rows, "hour")? {
                let sum = all.entry(hour).or_default();
                sum.granted += granted;
                sum.refused += refused;
            }
        }
        Ok(all)
    }

    /// Calls by application.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn calls_by_application(
        &self,
        organisation: OrganisationId,
        from: u64,
        until: u64,
    ) -> Result<BTreeMap<String, Outcomes>, RowsError> {
        let values = params![organisation.to_string(), from, until];
        let rows = self.database.fetch_all(statements::CALLS_BY_APPLICATION, values).await?;
        gathered(rows, "application")
    }

    /// Refused calls by code, the most frequent first: at most 20.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn refusals_by_code(
        &self,
        remit: &Remit,
        from: u64,
        until: u64,
    ) -> Result<Vec<(String, u64)>, RowsError> {
        let organisation = remit.organisation.to_string();
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for application in each(remit) {
            let values = params![organisation.as_str(), from, until, application];
            for row in self.database.fetch_all(statements::REFUSALS_BY_CODE, values).await? {
                *all.entry(row.get("code")?).or_default() += row.get::<u64>("n")?;
            }
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        all.truncate(20);
        Ok(all)
    }

    /// Data by state as the database has it, and whether their key ended before `day`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn stock(
        &self,
        organisation: OrganisationId,
        day: u64,
    ) -> Result<Vec<(String, bool, u64)>, RowsError> {
        let rows = self.database.fetch_all(statements::STOCK, params![organisation.to_string(), day]).await?;
        let read = |row: sceau_store::Row| {
            let (ended, n): (i64, i64) = (row.get("ended")?, row.get("n")?);
            Ok((row.get("status")?, ended == 1, u64::try_from(n).unwrap_or(0)))
        };
        rows.into_iter().map(read).collect()
    }

    /// Data in use by the day on which their key ends, from one to before another.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn ending(
        &self,
        organisation: OrganisationId,
        from: u64,
        until: u64,
    ) -> Result<Vec<(u64, u64)>, RowsError> {
        let values = params![organisation.to_string(), from, until];
        let rows = self.database.fetch_all(statements::ENDING, values).await?;
        rows.into_iter().map(|row| Ok((row.get("day")?, row.get("n")?))).collect()
    }

    /// Up to `most` stretches of the log, the last hour first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn stretches(
        &self,
        organisation: OrganisationId,
        of: &Stretches,
        most: u64,
    ) -> Result<Vec<Stretch>, RowsError> {
        let values = params![
            organisation.to_string(),
            of.from,
            of.until,
            of.before,
            of.application.as_str(),
            of.outcome,
            of.by,
            most,
        ];
        let rows = self.database.fetch_all(statements::STRETCHES, values).await?;
        let read = |row: sceau_store::Row| {
            Ok(Stretch {
                hour: row.get("hour")?,
                first: row.get("first_index")?,
                last: row.get("last_index")?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

/// The applications to count one by one; an empty text stands for all.
fn each(remit: &Remit) -> Vec<String> {
    let some = remit.applications.as_ref();
    some.map_or_else(|| vec![String::new()], |ids| ids.iter().map(ToString::to_string).collect())
}

/// Sums of granted and refused by a column.
fn gathered<K: sceau_store::FromValue + Ord>(
    rows: Vec<sceau_store::Row>,
    column: &str,
) -> Result<BTreeMap<K, Outcomes>, RowsError> {
    let mut all: BTreeMap<K, Outcomes> = BTreeMap::new();
    for row in rows {
        let outcomes = all.entry(row.get(column)?).or_default();
        let (granted, n): (i64, u64) = (row.get("granted")?, row.get("n")?);
        if granted == 1 { outcomes.granted = n } else { outcomes.refused = n }
    }
    Ok(all)
}

/// Applies changes of the stock in the order of their keys, so that two who write at once do not wait for each other.
pub(super) async fn keep_stock(all: &mut Transaction, stock: &Stock) -> Result<(), RowsError> {
    for ((organisation, status, day), change) in stock.iter().filter(|(_, change)| **change != 0) {
        all.execute(statements::KEEP_STOCK, params![organisation.as_str(), status.as_str(), *day, *change])
            .await?;
    }
    Ok(())
}
