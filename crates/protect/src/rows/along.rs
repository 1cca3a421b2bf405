//! Data in an order that an index has, from a place on: what a search looks at.

use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_store::params;

use super::{Rows, RowsError, stored};
use crate::schema::statements;
use crate::terms::Term;

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
                (statements::OF_TERM, params![term.0, *from, at, number, most].to_vec())
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
