//! A page of the data of an organisation that are searched for.

use sceau_element_api::OrganisationId;
use sceau_element_api::documents::{Datum, Document as _};

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
    /// The data, and the bytes that they were read from.
    pub found: Vec<(Datum, Vec<u8>)>,
    /// Where the next page goes on.
    pub next: Option<Cursor>,
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
    /// A page of the data of an organisation that are searched for, as the database has them. It looks along the shortest way until the page is full,
    /// the way ends, or enough was looked at.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn search(
        &self,
        organisation: OrganisationId,
        search: &Search,
        now: u64,
    ) -> Result<Searched, SearchError> {
        let asked = Asked::of(search, organisation, now).map_err(SearchError::Query)?;
        let after = asked.after().map_err(SearchError::Query)?;
        let (way, whole) = asked.way(self.rarest(asked.terms()).await?);
        let most = if whole { PAGE + 1 } else { LOOKED_AT };
        let candidates = self.along(&way, after.as_ref(), most).await?;
        let ends = candidates.len() < most;
        let mut page = Searched { found: Vec::new(), next: None };
        for Candidate { cursor, payload } in candidates {
            if page.found.len() == PAGE {
                return Ok(page);
            }
            page.next = Some(cursor);
            // What is no datum was not kept by us.
            let datum = payload.and_then(|bytes| Some((Datum::parse(&bytes).ok()?.document, bytes)));
            page.found.extend(datum.filter(|(datum, _)| asked.finds(datum)));
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
