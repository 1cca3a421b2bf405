//! Rows of data and applications: as the element attested them, with columns to find them by.

mod acts;
mod along;
mod counted;
mod query;
mod search;
mod swept;
mod together;

use std::collections::HashMap;
use std::sync::Arc;

use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus, Document as _};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_store::{Database, FromValue, Row, StoreError, Value, params};

pub(crate) use self::acts::{ActCursor, ListedAct};
pub use self::along::Cursor;
pub(crate) use self::counted::{DAY, Outcomes, Stretch, Stretches};
pub use self::query::{DatumState, Search, SearchFault};
pub use self::search::{FoundDatum, SearchError, Searched};
pub(crate) use self::swept::At;
use self::together::{DatumRow, Together};
use crate::schema::statements;

/// Rows of data that one statement reads.
const AT_ONCE: usize = 64;

/// Reads and writes rows.
#[derive(Debug, Clone)]
pub struct Rows {
    database: Database,
    together: Arc<Together>,
}

/// A row cannot be kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum RowsError {
    /// The database does not.
    Store(StoreError),
    /// The element gave bytes that are no such document: another version of it.
    Document,
    /// Whoever wrote for several ended without a word.
    Stopped,
}

impl std::fmt::Display for RowsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Stopped => f.write_str("the write ended without an answer"),
            Self::Document => {
                f.write_str("the element's row cannot be read: are both programs of the same version?")
            }
        }
    }
}

impl std::error::Error for RowsError {}

/// A column, or nothing where it holds a value of another type: SQLite takes text where octets belong. Nothing is no document, so that it is named and
/// brought back as what was edited is.
fn stored<T: FromValue + Default>(row: &Row, column: &str) -> Result<T, StoreError> {
    match row.get(column) {
        Err(StoreError::Column { .. }) => Ok(T::default()),
        stored => stored,
    }
}

impl From<StoreError> for RowsError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Rows {
    /// The rows of this database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, together: Arc::default() }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), RowsError> {
        Ok(self.database.fetch_one(statements::ANSWER, params![]).await.map(drop)?)
    }

    /// A datum as the database has it, true or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn datum(&self, id: DatumId) -> Result<Option<KeptRow>, RowsError> {
        let id = id.to_string();
        let Some(row) = self.database.fetch_optional(statements::DATUM, params![id.as_str()]).await? else {
            return Ok(None);
        };
        let (payload, salt): (Vec<u8>, Vec<u8>) = (stored(&row, "payload")?, stored(&row, "salt")?);
        Ok(Some(KeptRow { payload: payload.into(), salt: salt.into() }))
    }

    /// Several of them, as the database has them, by id: what it has not is not among them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn data(&self, ids: &[DatumId]) -> Result<HashMap<DatumId, KeptRow>, RowsError> {
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            // The statement takes so many: no datum has an empty id.
            let names: HashMap<String, DatumId> = some.iter().map(|id| (id.to_string(), *id)).collect();
            let padded = names.keys().map(String::as_str).chain(std::iter::repeat("")).take(AT_ONCE);
            let values: Vec<Value> = padded.map(Value::from).collect();
            for row in self.database.fetch_all(statements::DATA, &values).await? {
                let Some(id) = names.get(&stored::<String>(&row, "id")?) else { continue };
                let (payload, salt): (Vec<u8>, Vec<u8>) = (stored(&row, "payload")?, stored(&row, "salt")?);
                found.insert(*id, KeptRow { payload: payload.into(), salt: salt.into() });
            }
        }
        Ok(found)
    }

    /// Keeps versions of several data as [`Rows::keep_datum`] does one, together.
    ///
    /// # Errors
    /// [`RowsError`] of one of them, where one fails: the others are kept.
    pub async fn keep_data(&self, rows: &[(AttestedRow, KeptRow)]) -> Result<(), RowsError> {
        let rows = rows.iter().map(|(row, kept)| DatumRow::of(row, kept)).collect::<Result<Vec<_>, _>>()?;
        self.together.keep_all(&self.database, rows).await
    }

    /// Keeps a version of a datum as the element gave it, on disk when it returns. Where two come at once the last one written stays, and the element
    /// refuses it if it is not the current one: then it is read from there again.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn keep_datum(&self, row: &AttestedRow, kept: &KeptRow) -> Result<(), RowsError> {
        self.together.keep(&self.database, DatumRow::of(row, kept)?).await
    }

    /// Keeps a version of an application as the element attested it.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn keep_application(&self, row: &AttestedRow, payload: &[u8]) -> Result<(), RowsError> {
        let document = ApplicationDocument::parse(payload).map_err(|_| RowsError::Document)?.document;
        let status = match document.status {
            ApplicationStatus::Active => "active",
            ApplicationStatus::Inactive => "inactive",
        };
        let values = params![
            document.application.to_string(),
            document.organisation.to_string(),
            document.name.as_str(),
            status,
            row.version,
            row.index,
            payload.to_vec(),
        ];
        self.database.execute(statements::KEEP_APPLICATION, values).await?;
        Ok(())
    }
}
