//! A page of the data of an organisation that are searched for.

use sceau_element_api::documents::{Datum, Document as _, Remit};

use super::along::{Candidate, Cursor};
use super::query::{Asked, Search, SearchFault};
use super::{Rows, RowsError};
use crate::terms::Term;

/// Data of one page.
const PAGE: usize = 50;
/// Data that one page looks at, at most: where few of them are searched for, the answer says how far it came, and the next goes on. So the time that a
/// page takes depends on this number, and not on how many data there are.
const LOOKED_AT: usize = 500;

/// A page, as the database has it.
#[derive(Debug)]
pub struct Searched {
    /// What was found, in the order in which it was looked for.
    pub found: Vec<FoundDatum>,
    /// Where the next page goes on.
    pub next: Option<Cursor>,
}

/// A datum, as the database has it.
#[derive(Debug)]
pub struct FoundDatum {
    /// What it is.
    pub datum: Datum,
    /// The bytes that it was read from.
    pub payload: Vec<u8>,
    /// Calls about it that were refused.
    pub refusals: u64,
}

/// Why nothing was searched.
#[derive(Debug)]
#[non_exhaustive]
pub enum SearchError {
    /// The query cannot be followed.
    Query(SearchFault),
    /// The database does not answer.
    Rows(RowsError),
}

impl From<RowsError> for SearchError {
    fn from(error: RowsError) -> Self {
        Self::Rows(error)
    }
}

impl Rows {
    /// A page of the data that are searched for within a remit, as the database has them. It looks along the shortest way until the page is full,
    /// the way ends, or enough was looked at.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn search(&self, remit: &Remit, search: &Search, now: u64) -> Result<Searched, SearchError> {
        let asked = Asked::of(search, remit, now).map_err(SearchError::Query)?;
        let after = asked.after().map_err(SearchError::Query)?;
        let (way, whole) = asked.way(self.rarest(asked.terms()).await?);
        let most = if whole { PAGE + 1 } else { LOOKED_AT };
        let candidates = self.along(&way, after.as_ref(), most).await?;
        let ends = candidates.len() < most;
        let mut page = Searched { found: Vec::new(), next: None };
        for Candidate { cursor, payload, refusals, last } in candidates {
            if page.found.len() == PAGE {
                return Ok(page);
            }
            page.next = Some(cursor);
            // What is no datum was not kept by us.
            let datum = payload.filter(|_| asked.counts(refusals, last)).and_then(|payload| {
                let datum = Datum::parse(&payload).ok()?.document;
                Some(FoundDatum { datum, payload, refusals })
            });
            page.found.extend(datum.filter(|found| asked.finds(&found.datum)));
        }
        if ends {
            page.next = None;
        }
        Ok(page)
    }

    /// The term with the fewest data.
    async fn rarest(&self, terms: Vec<Term>) -> Result<Option<Term>, RowsError> {
        if terms.len() < 2 {
            return Ok(terms.into_iter().next());
        }
        let mut rarest = None;
        for term in terms {
            let number = self.how_many(&term).await?;
            if rarest.as_ref().is_none_or(|(fewest, _)| number < *fewest) {
                rarest = Some((number, term));
            }
        }
        Ok(rarest.map(|(_, term)| term))
    }
}
