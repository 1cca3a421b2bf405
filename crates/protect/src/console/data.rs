//! The data of an organisation: searched page by page, and one of them whole.

use sceau_element_api::documents::{Datum, Document as _, Remit};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_element_api::{ApplicationId, Base64Url, Kind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Console, ConsoleFault};
use crate::rows::{Cursor, DatumState, FoundDatum, RowsError, Search, Searched};

/// A page of what was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    /// In the order in which they were begun, the last one first; by expiry, the next one first.
    pub data: Vec<DatumLine>,
    /// Give it as `after` for what follows; null where everything was looked at. A page may be short, or empty, and have one.
    pub next: Option<String>,
    /// How far the search came, where it has a `next`: the time, in Unix milliseconds, when the last datum that was looked at was begun, or ends.
    pub reached: Option<u64>,
}

/// What a list says of a datum. Times are Unix milliseconds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DatumLine {
    /// The datum.
    #[schema(value_type = String)]
    pub id: DatumId,
    /// What the application calls it.
    pub name: String,
    /// Whose it is, in the application's words.
    pub owner: String,
    /// The application that protects it.
    #[schema(value_type = String)]
    pub application: ApplicationId,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was begun.
    pub created: u64,
    /// When its key ends.
    pub expires: u64,
    /// Whether its key is given out.
    pub state: DatumState,
    /// How many authorisations there are.
    pub grants: usize,
    /// Calls about it that were refused, as the database has counted them.
    pub refusals: u64,
    /// Whether the database has something else than what the element attested: open it to see that.
    pub altered: bool,
}

/// A datum as the element attested it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DatumView {
    /// The exact bytes of its document, base64url.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// Its version.
    pub version: u64,
    /// Log index of the entry that attests it.
    pub index: u64,
    /// Whether the database has something else.
    pub altered: bool,
}

impl Console {
    /// A page of the data that are searched for.
    ///
    /// # Errors
    /// When the query cannot be followed, or the database or the element does not answer.
    pub async fn data(&self, remit: &Remit, search: &Search) -> Result<Found, ConsoleFault> {
        let now = self.clock.now_ms();
        let Searched { found, next } = self.rows.search(remit, search, now).await?;
        let keys = found.iter().map(|one| RowKey { kind: Kind::Datum, id: one.datum.row() }).collect();
        let attested = self.element.current_many(keys).await?;
        let lines = found.into_iter().zip(attested).map(|(one, row)| {
            let altered = row.is_none_or(|row| row.hash != sceau_trace::sha256(&one.payload));
            DatumLine::of(one, now, altered)
        });
        let reached = next.as_ref().map(Cursor::at);
        Ok(Found { data: lines.collect(), next: next.map(|cursor| cursor.to_string()), reached })
    }

    /// One datum, as the element has it: the database is asked for nothing but whether it says the same.
    ///
    /// # Errors
    /// When there is none, or it is not theirs; when the database or the element does not answer.
    pub async fn datum(&self, remit: &Remit, id: DatumId) -> Result<DatumView, ConsoleFault> {
        let (row, kept, _) = self.theirs(remit, id).await?;
        let listed = self.rows.datum(id).await?;
        let altered = listed.is_none_or(|listed| listed.payload != kept.payload);
        Ok(DatumView { payload: kept.payload, version: row.version, index: row.index, altered })
    }

    /// One datum that somebody may look at, from the element.
    ///
    /// # Errors
    /// When there is none, or it is not theirs; when the element does not answer.
    pub(super) async fn theirs(
        &self,
        remit: &Remit,
        id: DatumId,
    ) -> Result<(AttestedRow, KeptRow, Datum), ConsoleFault> {
        let (row, kept) = self.element.kept(Kind::Datum, id).await?.ok_or_else(ConsoleFault::not_found)?;
        let datum = Datum::parse(&kept.payload).map_err(|_| RowsError::Document)?.document;
        let theirs = datum.organisation == remit.organisation && remit.has(datum.application);
        if theirs { Ok((row, kept, datum)) } else { Err(ConsoleFault::not_found()) }
    }
}

impl DatumLine {
    fn of(FoundDatum { datum, refusals, .. }: FoundDatum, now: u64, altered: bool) -> Self {
        let state = DatumState::of(&datum, now);
        let Datum { id, name, owner, application, tags, created, expires, grants, .. } = datum;
        let (owner, grants) = (owner.as_str().to_owned(), grants.len());
        Self { id, name, owner, application, tags, created, expires, state, grants, refusals, altered }
    }
}
