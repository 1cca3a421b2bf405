//! What the journal holds of keyrings.

use sceau_element_api::{KeyringId, TerminalId};
use sceau_trace::Record;

use super::{ReadError, View};
use crate::event::{Change, Event, KeyringChange};

/// An entry about a keyring: its index, and its record.
pub(crate) type Done = (u64, Record);

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

    /// What is on record about a keyring, the last one first: up to `most` entries, before the one at `before` and after the one at `after` if there are such; and the
    /// index of the last one given, where there are more. None that is not given is read.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when the entry at `before` is none of them; [`ReadError`] when the journal does not hold one.
    pub(crate) fn done_with(
        &self,
        keyring: KeyringId,
        before: Option<u64>,
        after: Option<u64>,
        most: usize,
    ) -> Result<(Vec<Done>, Option<u64>), ReadError> {
        let mut next = match before {
            Some(index) => self.step_of(keyring, index)?.1,
            None => self.with_state(|state| state.keyrings().keyring(keyring).map(|known| known.last)),
        };
        // Each entry names the one before it, so that indices fall.
        let wanted = |index: &u64| after.is_none_or(|after| *index > after);
        let mut done = Vec::new();
        next = next.filter(wanted);
        while let Some(index) = next.filter(|_| done.len() < most) {
            let (event, previous) = self.step_of(keyring, index)?;
            done.push((index, event.record()?));
            next = previous.filter(wanted);
        }
        let next = next.and(done.last()).map(|(index, _)| *index);
        Ok((done, next))
    }

    /// The event at an index, which is one of this keyring's, and the index of the one before.
    fn step_of(&self, keyring: KeyringId, index: u64) -> Result<(Event, Option<u64>), ReadError> {
        let event = self.event_at(index)?;
        let about = match &event.change {
            Change::Keyring(change) => change.about().filter(|(about, _)| *about == keyring),
            _ => None,
        };
        let (_, previous) = about.ok_or(ReadError::NotFound)?;
        Ok((event, previous))
    }

    fn change_at(&self, index: u64) -> Result<Change, ReadError> {
        Ok(self.event_at(index)?.change)
    }

    fn event_at(&self, index: u64) -> Result<Event, ReadError> {
        let place = self.places(index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        Ok(self.event(place)?.open(&*self.log.journal_key)?)
    }
}
