//! Rows in their order, for whoever holds all of them to the element's.

use sceau_element_api::Kind;
use sceau_element_api::keyring::KeyringAccess;
use sceau_element_api::wire::AttestedRow;
use sceau_store::{Row, StoreError, params};

use super::{Columns, KINDS, Known, Rows, RowsError, actors, read, stored};
use crate::schema::statements;

/// A place among all rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct At {
    kind: String,
    id: String,
}

/// A row as the database has it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) at: At,
    pub(crate) payload: Vec<u8>,
    columns: Columns,
    version: u64,
    index: u64,
}

impl Listed {
    fn read(row: &Row) -> Result<Self, RowsError> {
        let columns = Columns {
            organisation: stored(row, "organisation")?,
            policy: stored(row, "policy")?,
            state: stored(row, "state")?,
            time: stored(row, "time")?,
        };
        let at = At { kind: row.get("kind")?, id: row.get("id")? };
        let (version, index) = (stored(row, "version")?, stored(row, "log_index")?);
        Ok(Self { at, payload: stored(row, "payload")?, columns, version, index })
    }

    /// Whether it names the version and the record that the element does: later versions are kept by the one, and lists say the other.
    pub(crate) fn is_at(&self, row: &AttestedRow) -> bool {
        (self.version, self.index) == (row.version, row.index)
    }

    /// What it calls itself; none where it is no kind that is kept here.
    pub(crate) fn kind(&self) -> Option<Kind> {
        KINDS.into_iter().find(|kind| kind.as_str() == self.at.kind)
    }

    /// The word of its kind, whatever that is.
    pub(crate) fn kind_word(&self) -> &str {
        &self.at.kind
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.at.id
    }
}

impl Rows {
    /// The `most` rows that follow a place.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn following(&self, after: &At, most: usize) -> Result<Vec<Listed>, RowsError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let values = params![after.kind.as_str(), after.id.as_str(), most];
        let rows = self.database.fetch_all(statements::SWEPT, values).await?;
        rows.iter().map(Listed::read).collect()
    }

    /// Whether the columns, and the keys of actors, that a row is found by say what its document does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn is_found_as_it_is(&self, listed: &Listed) -> Result<bool, RowsError> {
        let known = listed.kind().and_then(|kind| Known::parse(kind, &listed.payload).ok());
        let Some(known) = known.filter(|known| known.id() == listed.at.id) else { return Ok(false) };
        if known.columns() != listed.columns {
            return Ok(false);
        }
        let Ok(access) = read::<KeyringAccess>(&listed.payload) else { return Ok(true) };
        let rows = self.database.fetch_all(statements::ACTORS, params![listed.at.id.as_str()]).await?;
        let there = rows.iter().map(|row| Ok((stored(row, "id")?, stored(row, "thumbprint")?)));
        let mut there = there.collect::<Result<Vec<(String, Vec<u8>)>, RowsError>>()?;
        there.sort();
        Ok(there == actors(&access))
    }

    /// Which numbers there are from one to before another.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn numbered(&self, from: u64, until: u64) -> Result<Vec<u64>, RowsError> {
        let rows = self.database.fetch_all(statements::NUMBERED, params![from, until]).await?;
        rows.into_iter().map(|row| Ok(row.get("number")?)).collect()
    }

    /// Says where a row's first version is in the log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn number(&self, kind: Kind, id: &str, number: u64) -> Result<(), RowsError> {
        self.database.execute(statements::NUMBER, params![number, kind.as_str(), id]).await?;
        Ok(())
    }

    /// Drops a row that nobody attested.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn drop_row(&self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.database.execute(statements::DROP_ROW, params![kind, id]).await?;
        Ok(())
    }

    /// How far the log was read: none where that was deleted, or written over with what is no number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn fed(&self) -> Result<Option<u64>, RowsError> {
        let row = self.database.fetch_optional(statements::FED, params![]).await?;
        match row.map(|row| row.get("next")) {
            None | Some(Err(StoreError::Column { .. })) => Ok(None),
            Some(next) => Ok(Some(next?)),
        }
    }

    /// Says that the log was read as far as this, whatever was said before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn feed_from(&self, next: u64) -> Result<(), RowsError> {
        self.database.execute(statements::FEED_FROM, params![next]).await?;
        Ok(())
    }

    /// Moves that on, if nobody else did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn feed_on(&self, from: u64, to: u64) -> Result<(), RowsError> {
        self.database.execute(statements::FEED_ON, params![to, from]).await?;
        Ok(())
    }
}
