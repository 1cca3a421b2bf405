//! The data of an organisation: searched page by page, and one of them whole.

use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::RowKey;
use sceau_element_api::{ApplicationId, Base64Url, Kind, OrganisationId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Console, ConsoleFault};
use crate::rows::{Cursor, DatumState, RowsError, Search, Searched};

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
    pub async fn data(&self, organisation: OrganisationId, search: &Search) -> Result<Found, ConsoleFault> {
        let now = self.clock.now_ms();
        let Searched { found, next } = self.rows.search(organisation, search, now).await?;
        let keys = found.iter().map(|(datum, _)| RowKey { kind: Kind::Datum, id: datum.row() }).collect();
        let attested = self.element.current_many(keys).await?;
        let lines = found.into_iter().zip(attested).map(|((datum, payload), row)| {
            let altered = row.is_none_or(|row| row.hash != sceau_trace::sha256(&payload));
            DatumLine::of(datum, now, altered)
        });
        let reached = next.as_ref().map(Cursor::at);
        Ok(Found { data: lines.collect(), next: next.map(|cursor| cursor.to_string()), reached })
    }

    /// One datum, as the element has it: the database is asked for nothing but whether it says the same.
    ///
    /// # Errors
    /// When there is none, or it is another organisation's; when the database or the element does not answer.
    pub async fn datum(&self, organisation: OrganisationId, id: DatumId) -> Result<DatumView, ConsoleFault> {
        let kept = self.element.kept(Kind::Datum, id).await?;
        let (row, kept) = kept.ok_or_else(ConsoleFault::not_found)?;
        let datum = Datum::parse(&kept.payload).map_err(|_| RowsError::Document)?.document;
        if datum.organisation != organisation {
            return Err(ConsoleFault::not_found());
        }
        let listed = self.rows.datum(id).await?;
        let altered = listed.is_none_or(|listed| listed.payload != kept.payload);
        Ok(DatumView { payload: kept.payload, version: row.version, index: row.index, altered })
    }
}

impl DatumLine {
    fn of(datum: Datum, now: u64, altered: bool) -> Self {
        let state = DatumState::of(&datum, now);
        let Datum { id, name, owner, application, tags, created, expires, grants, .. } = datum;
        let owner = owner.as_str().to_owned();
        Self { id, name, owner, application, tags, created, expires, state, grants: grants.len(), altered }
    }
}
