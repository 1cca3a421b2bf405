//! What the journal holds of keyrings.

use sceau_element_api::TerminalId;

use super::{ReadError, View};
use crate::event::{Change, KeyringChange};

impl View {
    /// The bytes of the document that the entry at `index` attests.
    ///
    /// # Errors
    /// [`ReadError`] when the journal does not hold it.
    pub(crate) fn attested_at(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        match self.change_at(index)? {
            Change::Attested { payload } => Ok(payload),
            Change::Keyring(KeyringChange::Row { payload, .. }) => Ok(payload.0),
            _ => Err(ReadError::NotFound),
        }
    }

    /// The document of a keyring's version at `index`, and what is sealed of it.
    ///
    /// # Errors
    /// [`ReadError`] when the journal does not hold it.
    pub(crate) fn keyring_at(&self, index: u64) -> Result<(Vec<u8>, Vec<u8>), ReadError> {
        match self.change_at(index)? {
            Change::Keyring(KeyringChange::Row { payload, sealed, .. }) => Ok((payload.0, sealed.0)),
            _ => Err(ReadError::NotFound),
        }
    }

    /// The box of a terminal at `index`.
    ///
    /// # Errors
    /// [`ReadError`] when the journal does not hold it.
    pub(crate) fn box_at(&self, index: u64, of: TerminalId) -> Result<Vec<u8>, ReadError> {
        match self.change_at(index)? {
            Change::Keyring(KeyringChange::Row { boxes, .. }) => {
                let found = boxes.into_iter().find(|one| one.terminal == of);
                found.map(|one| one.boxed.0).ok_or(ReadError::NotFound)
            }
            Change::Keyring(KeyringChange::Used { terminal, boxed, .. }) if terminal == of => Ok(boxed.0),
            _ => Err(ReadError::NotFound),
        }
    }

    fn change_at(&self, index: u64) -> Result<Change, ReadError> {
        let place = self.places(index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        Ok(self.event(place)?.open(&*self.log.journal_key)?.change)
    }
}
