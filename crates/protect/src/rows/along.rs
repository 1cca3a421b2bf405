//! Data in an order that an index has, from a place on: what a search looks at.

use std::collections::HashMap;

use futures::future::try_join_all;
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_store::{Value, params};

use super::{Rows, RowsError, stored};
use crate::schema::statements;
use crate::terms::Term;

/// Data that one statement reads by their numbers: of a page, and of all that a page looks at.
const FEW: usize = 8;
const MANY: usize = 64;
/// Up to here shares are small: seven of them.
const MOST_OF_FEW: usize = 7 * FEW;

/// Data in an order. `from` and `until` bound what they are ordered by, in Unix milliseconds; `until` is not among them.
#[derive(Debug)]
pub(super) enum Way {
    /// Those of a term, the last begun first.
    Term { term: Term, from: u64, until: u64 },
    /// Those of an application, the last begun first.
    Application { application: ApplicationId, from: u64, until: u64 },
    /// All of an organisation, the last begun first.
    Organisation { organisation: OrganisationId, from: u64, until: u64 },
    /// Those of an organisation about which calls were refused, the last begun first.
    Refused { organisation: OrganisationId, from: u64, until: u64 },
    /// All of an organisation, the next to end first.
    Expiry { organisation: OrganisationId, from: u64, until: u64 },
}

/// A place on a way: what the datum there is ordered by, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    at: u64,
    number: i64,
}

/// What is at a place.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) cursor: Cursor,
    /// None where the datum itself is gone.
    pub(super) payload: Option<Vec<u8>>,
    /// Calls about it that were refused.
    pub(super) refusals: u64,
    /// When the last of them was, in Unix milliseconds; 0 where there are none.
    pub(super) last: u64,
}

/// What a row of data says, of those that are read by their numbers.
#[derive(Default)]
struct Read {
    payload: Option<Vec<u8>>,
    refusals: u64,
    last: u64,
}

impl Cursor {
    /// As [`Display`](std::fmt::Display) gives it; none where it is not that.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (at, number) = text.split_once('.')?;
        Some(Self { at: at.parse().ok()?, number: number.parse().ok()? })
    }

    /// What the datum is ordered by, in Unix milliseconds.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at, self.number)
    }
}

impl Rows {
    /// The `most` data that follow a place.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn along(
        &self,
        way: &Way,
        after: Option<&Cursor>,
        most: usize,
    ) -> Result<Vec<Candidate>, RowsError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        // Before the first place of all: no number is below 0, so that `until` is not among what is smaller, and `from` is among what is greater.
        let place = |edge: u64| after.map_or((edge, -1), |cursor| (cursor.at, cursor.number));
        let (statement, values) = match way {
            Way::Term { term, from, until } => {
                let (at, number) = place(*until);
                return self.of_term(params![term.0, *from, at, number, most]).await;
            }
            Way::Application { application, from, until } => {
                let (at, number) = place(*until);
                (
                    statements::OF_APPLICATION,
                    params![application.to_string(), *from, at, number, most].to_vec(),
                )
            }
            Way::Organisation { organisation, from, until } => {
                let (at, number) = place(*until);
                (
                    statements::OF_ORGANISATION,
                    params![organisation.to_string(), *from, at, number, most].to_vec(),
                )
            }
            Way::Refused { organisation, from, until } => {
                let (at, number) = place(*until);
                (statements::OF_REFUSED, params![organisation.to_string(), *from, at, number, most].to_vec())
            }
            Way::Expiry { organisation, from, until } => {
                let (at, number) = place(*from);
                (statements::BY_EXPIRY, params![organisation.to_string(), *until, at, number, most].to_vec())
            }
        };
        let rows = self.database.fetch_all(statement, &values).await?;
        let candidate = |row: sceau_store::Row| {
            let cursor = Cursor { at: row.get("place")?, number: row.get("number")? };
            let refusals = row.get::<Option<u64>>("refusals")?.unwrap_or(0);
            let last = row.get::<Option<u64>>("last")?.unwrap_or(0);
            Ok(Candidate { cursor, payload: stored(&row, "payload")?, refusals, last })
        };
        rows.into_iter().map(candidate).collect()
    }

    /// The data of a term lie far apart, each in a page of its own that no memory may have: they are read beside each other, in shares.
    async fn of_term(&self, values: &[Value]) -> Result<Vec<Candidate>, RowsError> {
        let rows = self.database.fetch_all(statements::OF_TERM, values).await?;
        let place = |row: &sceau_store::Row| Ok(Cursor { at: row.get("place")?, number: row.get("number")? });
        let places = rows.iter().map(place).collect::<Result<Vec<_>, RowsError>>()?;
        let (statement, share) = match places.len() {
            0..=MOST_OF_FEW => (statements::FEW_OF_NUMBER, FEW),
            _ => (statements::MANY_OF_NUMBER, MANY),
        };
        let read = places.chunks(share).map(|places| {
            // No datum has a number below 0.
            let numbers = places.iter().map(|place| place.number).chain(std::iter::repeat(-1)).take(share);
            let values: Vec<Value> = numbers.map(Value::from).collect();
            async move { self.database.fetch_all(statement, &values).await }
        });
        let mut of_number: HashMap<i64, Read> = HashMap::new();
        for row in try_join_all(read).await?.iter().flatten() {
            let refusals = row.get::<Option<u64>>("refusals")?.unwrap_or(0);
            let last = row.get::<Option<u64>>("last")?.unwrap_or(0);
            let payload = stored(row, "payload")?;
            of_number.insert(row.get("number")?, Read { payload, refusals, last });
        }
        let candidate = |cursor: Cursor| {
            let Read { payload, refusals, last } = of_number.remove(&cursor.number).unwrap_or_default();
            Candidate { cursor, payload, refusals, last }
        };
        Ok(places.into_iter().map(candidate).collect())
    }

    /// How many data have a term, as far as 1,000.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn how_many(&self, term: &Term) -> Result<u64, RowsError> {
        Ok(self.database.fetch_one(statements::HOW_MANY, params![term.0]).await?.get("n")?)
    }

    /// The applications that the database lists of an organisation, by name: ids, and payloads as they are there.
    ///
    /// # Errors
    /// When the database does not answer, or lists what is no id.
    pub(crate) async fn applications(
        &self,
        organisation: OrganisationId,
        most: u32,
    ) -> Result<Vec<(ApplicationId, Vec<u8>)>, RowsError> {
        let values = params![organisation.to_string(), most];
        let rows = self.database.fetch_all(statements::APPLICATIONS, values).await?;
        let read = |row: sceau_store::Row| {
            let id: String = row.get("id")?;
            Ok((id.parse().map_err(|_| RowsError::Document)?, stored(&row, "payload")?))
        };
        rows.into_iter().map(read).collect()
    }
}
