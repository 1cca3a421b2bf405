//! Rows of data in the order of their numbers, for whoever holds all of them to the element's.

use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::DatumId;
use sceau_store::{Row, params};

use super::together::status_of;
use super::{Rows, RowsError, stored};
use crate::schema::statements;

/// A place among all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    number: i64,
    id: String,
}

impl Default for At {
    fn default() -> Self {
        Self { number: -1, id: String::new() }
    }
}

/// A row as the database has it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) at: At,
    pub(crate) payload: Vec<u8>,
    columns: (String, String, String, u64, u64),
}

impl Listed {
    fn read(row: Row) -> Result<Self, RowsError> {
        let at = At { number: row.get("number")?, id: row.get("id")? };
        let columns = (
            stored(&row, "organisation")?,
            stored(&row, "application")?,
            stored(&row, "status")?,
            stored(&row, "created")?,
            stored(&row, "expires")?,
        );
        Ok(Self { at, payload: stored(&row, "payload")?, columns })
    }

    /// What it calls itself.
    pub(crate) fn id(&self) -> &str {
        &self.at.id
    }

    /// Whether the columns that it is found by say what its document does.
    pub(crate) fn is_found_as_it_is(&self) -> bool {
        let Ok(parsed) = Datum::parse(&self.payload) else { return false };
        let datum = parsed.document;
        let columns = (
            datum.organisation.to_string(),
            datum.application.to_string(),
            status_of(&datum).to_owned(),
            datum.created,
            datum.expires,
        );
        datum.id.to_string() == self.at.id && columns == self.columns
    }
}

impl Rows {
    /// The `most` rows that follow a place.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn listed(&self, after: &At, most: usize) -> Result<Vec<Listed>, RowsError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let values = params![after.number, after.id.as_str(), most];
        let rows = self.database.fetch_all(statements::SWEPT, values).await?;
        rows.into_iter().map(Listed::read).collect()
    }

    /// Which numbers there are from one to before another.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn numbered(&self, from: u64, until: u64) -> Result<Vec<u64>, RowsError> {
        let rows = self.database.fetch_all(statements::NUMBERED, params![from, until]).await?;
        rows.into_iter().map(|row| Ok(row.get("number")?)).collect()
    }

    /// Under which number a datum is there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn number_of(&self, id: DatumId) -> Result<Option<u64>, RowsError> {
        let id = id.to_string();
        let row = self.database.fetch_optional(statements::NUMBER_OF, params![id.as_str()]).await?;
        row.map(|row| Ok(row.get("number")?)).transpose()
    }
}
