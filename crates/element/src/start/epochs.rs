//! Epochs turn at a start, before anybody is served: where data were erased, a next epoch begins, all other salts are sealed anew, and the key before is
//! destroyed. Each step is in the journal before the next one, so that a start goes on where another was killed.

use std::collections::BTreeMap;

use sceau_element_api::documents::{Datum, DatumStatus, Document as _};
use sceau_element_api::protect::{DatumId, Happened};
use sceau_element_api::{Base64Url, Kind, OrganisationId};
use sceau_trace::VerifiedCheckpoint;

use super::{Past, StartError};
use crate::clock::Clock;
use crate::event::{CalledRow, Change, EventError, SealedEvent};
use crate::journal::Entries;
use crate::protect::{DatumKeys, Left, sealing_key};
use crate::sealing::JournalKey;
use crate::signer::{LogSigner, SignerError};
use crate::state::{Epochs, Phase, Turn};

/// Salts in one entry: bounds the memory that it takes, and what is read to find one of them.
const TOGETHER: usize = 1024;
/// The ids of a sixteenth of the data are in memory at once.
const SLICES: u8 = 16;

/// What turns the epochs of an organisation.
struct Turning<'a> {
    organisation: OrganisationId,
    number: u32,
    signer: &'a dyn LogSigner,
    clock: &'a Clock,
    /// What follows in the log is of this start.
    started: u64,
}

impl Turning<'_> {
    /// Whether the overlap that began then is over. One that began in this start is not, whatever the clock says: no backup has the next key yet.
    fn is_over(&self, since: Happened, overlap: u64) -> bool {
        let here = since.index >= self.started;
        overlap == 0 || (!here && self.clock.now().unix >= since.time.saturating_add(overlap))
    }

    /// Whether the epoch's key was moved into a token: the next one is made there. Once in a start, whatever comes of it.
    fn is_to_leave(&self, epochs: &Epochs, keys: &DatumKeys) -> Result<bool, StartError> {
        let before = epochs.begun().index < self.started;
        Ok(before && keys.is_to_leave(self.number).map_err(SignerError::Protection)?)
    }

    /// An epoch stays as it is. Whoever may erase must not keep everybody from service where a token has no room, or destroys no key; every start tries again.
    fn stays(&self, error: &sceau_hsm::Error, what: &str) {
        let organisation = self.organisation;
        tracing::error!(%organisation, %error, "{what}: what was erased can still be opened from copies until a start succeeds in it");
    }
}

impl Past {
    /// Turns the epochs of every organisation as far as they go now; the last checkpoint, if any turned.
    pub(super) fn turn_epochs(
        &mut self,
        keys: &mut DatumKeys,
        clock: &Clock,
        signer: &dyn LogSigner,
    ) -> Result<Option<VerifiedCheckpoint>, StartError> {
        let (mut last, started) = (None, self.state.size());
        if keys.within().is_none() {
            tracing::warn!(
                "keys that protect data are in a token, and without a checkpoint of --witness-file that meets --witness-policy a copy of this state is not told from it: no key of an epoch that is left is destroyed, and certificates of erasure state no day"
            );
        }
        self.destroy_again(keys);
        for (number, organisation) in (1..).zip(self.state.protecting()) {
            let turning = Turning { organisation, number, signer, clock, started };
            self.teach(keys, &turning);
            while let Some(checkpoint) = self.turn(&turning, keys)? {
                last = Some(checkpoint);
                self.teach(keys, &turning);
            }
        }
        Ok(last)
    }

    /// Destroys keys of epochs that are destroyed by the journal and are here all the same: a standby was taken over before they were destroyed there, or an operator
    /// brought them back. They open what was erased from copies.
    fn destroy_again(&self, keys: &DatumKeys) {
        let there = keys.epochs_there().unwrap_or_else(|error| {
            tracing::error!(%error, "it cannot be told whether keys of epochs that were destroyed are here again");
            Vec::new()
        });
        let organisations = self.state.protecting();
        for (epoch, number) in there {
            let organisation =
                usize::try_from(number).ok().and_then(|it| organisations.get(it.checked_sub(1)?));
            let epochs = organisation.and_then(|id| self.state.epochs(*id));
            if epochs.and_then(|epochs| epochs.ended(epoch)).is_none() {
                continue;
            }
            match keys.destroy(number, epoch) {
                Ok(()) => tracing::warn!(
                    epoch,
                    number,
                    "the key of an epoch was here that had been destroyed: it is destroyed again"
                ),
                Err(error) => {
                    tracing::error!(epoch, number, %error, "the key of an epoch is here that had been destroyed, and cannot be destroyed: what was erased can still be opened from copies")
                }
            }
        }
    }

    fn teach(&self, keys: &mut DatumKeys, turning: &Turning<'_>) {
        if let Some(epochs) = self.state.epochs(turning.organisation) {
            keys.learn(turning.number, epochs);
        }
    }

    /// One step; none where there is nothing to do.
    fn turn(
        &mut self,
        turning: &Turning<'_>,
        keys: &mut DatumKeys,
    ) -> Result<Option<VerifiedCheckpoint>, StartError> {
        let Some(epochs) = self.state.epochs(turning.organisation) else { return Ok(None) };
        let (epoch, number) = (epochs.current(), turning.number);
        match epochs.phase() {
            Phase::Settled if epochs.first_erasure().is_none() && !turning.is_to_leave(epochs, keys)? => {
                Ok(None)
            }
            Phase::Settled => match keys.enter(number, epoch + 1) {
                Ok(kept) => self.record_turn(turning, epoch + 1, Turn::Begun { kept }).map(Some),
                Err(error) => {
                    turning.stays(&error, "the next epoch cannot begin");
                    Ok(None)
                }
            },
            Phase::Resealing => {
                tracing::info!(organisation = %turning.organisation, epoch, "salts are sealed anew: data were erased, or keys moved into a token");
                self.reseal(turning, keys, epoch)?;
                self.record_turn(turning, epoch, Turn::Resealed(Vec::new())).map(Some)
            }
            Phase::Overlapping { since } if !turning.is_over(since, keys.terms().overlap) => Ok(None),
            // A copy of the state goes another way than its original, which needs its own keys still: no witness remembers that way.
            Phase::Overlapping { since } if keys.are_shared() && self.witnessed <= since.index => {
                let organisation = turning.organisation;
                tracing::warn!(%organisation, "the key of the epoch before stays: no checkpoint of --witness-file that meets --witness-policy shows that the salts were sealed anew");
                Ok(None)
            }
            Phase::Overlapping { .. } => match keys.destroy(number, epoch - 1) {
                Ok(()) => self.record_turn(turning, epoch - 1, Turn::Ended).map(Some),
                Err(error) => {
                    turning.stays(&error, "the key of the epoch before cannot be destroyed");
                    Ok(None)
                }
            },
        }
    }

    /// Seals every salt anew that was sealed before this epoch, in the order of their data's ids.
    fn reseal(&mut self, turning: &Turning<'_>, keys: &DatumKeys, epoch: u32) -> Result<(), StartError> {
        let journal_key = turning.signer.journal_key();
        let mut salts = Salts::new(self.journal.entries()?, &*journal_key, turning.organisation);
        let mut left = None;
        for slice in 0..SLICES {
            let mut batch = Vec::new();
            for (datum, index) in self.before_this_epoch(turning.organisation, slice) {
                let Some(sealed) = salts.of(self, datum, index)? else { continue };
                let from = match &left {
                    Some(from) => from,
                    None => left.insert(left_by(keys, turning.number, epoch)?),
                };
                let sealed = keys.reseal(turning.number, from, &datum, &sealed);
                batch.push((datum, sealed.map_err(SignerError::Protection)?));
                if batch.len() == TOGETHER {
                    self.record_turn(turning, epoch, Turn::Resealed(std::mem::take(&mut batch)))?;
                }
            }
            if !batch.is_empty() {
                self.record_turn(turning, epoch, Turn::Resealed(batch))?;
            }
        }
        Ok(())
    }

    /// Data of a slice whose rows are older than the organisation's present epoch, and after the last one that was sealed anew: whosever they are.
    fn before_this_epoch(&self, organisation: OrganisationId, slice: u8) -> BTreeMap<DatumId, u64> {
        let Some(epochs) = self.state.epochs(organisation) else { return BTreeMap::new() };
        let (begun, last) = (epochs.begun().index, epochs.last_resealed());
        let older = self.state.rows_of(Kind::Datum).filter(|(_, row)| row.index < begun);
        let ids = older.filter_map(|(id, row)| {
            let bytes: [u8; 32] = Base64Url::decode(id.as_str()).ok()?.0.try_into().ok()?;
            let here = bytes.first().is_some_and(|first| first >> 4 == slice);
            let datum = DatumId::from(bytes);
            (here && last.is_none_or(|last| last < datum)).then_some((datum, row.index))
        });
        ids.collect()
    }

    fn record_turn(
        &mut self,
        turning: &Turning<'_>,
        epoch: u32,
        turn: Turn,
    ) -> Result<VerifiedCheckpoint, StartError> {
        if matches!(turn, Turn::Begun { .. }) {
            let key = sealing_key(epoch, turning.number).map_err(SignerError::Protection)?;
            self.journal.bring_key(&key)?;
        }
        let now = turning.clock.now();
        let event = self.core.turn_epoch(now, turning.organisation, epoch, turn)?;
        self.commit(&[event], turning.signer)
    }
}

fn left_by(keys: &DatumKeys, number: u32, epoch: u32) -> Result<Left, StartError> {
    Ok(keys.left(number, epoch - 1).map_err(SignerError::Protection)?)
}

/// Reads salts from the journal.
struct Salts<'a> {
    entries: Entries,
    key: &'a dyn JournalKey,
    organisation: OrganisationId,
    /// The part that was read last, and its index: salts are asked for in their order.
    part: Option<(u64, Turn)>,
}

impl<'a> Salts<'a> {
    fn new(entries: Entries, key: &'a dyn JournalKey, organisation: OrganisationId) -> Self {
        Self { entries, key, organisation, part: None }
    }

    /// The salt of a datum whose row is at `index`; none where it was erased, or is another organisation's.
    fn of(&mut self, past: &Past, datum: DatumId, index: u64) -> Result<Option<Vec<u8>>, StartError> {
        let row = self.change(past, index)?.and_then(Change::into_datum);
        let Some(CalledRow { payload, salt }) = row else { return Ok(None) };
        let document = Datum::parse(&payload).ok().map(|parsed| parsed.document);
        let theirs = |it: &Datum| it.organisation == self.organisation && it.status != DatumStatus::Erased;
        if !document.as_ref().is_some_and(theirs) {
            return Ok(None);
        }
        let parts = past.state.epochs(self.organisation).map(|epochs| epochs.resealed(datum, index));
        for part in parts.into_iter().flatten().collect::<Vec<_>>() {
            if let Some(salt) = self.part(past, part)?.salt_of(&datum) {
                return Ok(Some(salt.to_vec()));
            }
        }
        Ok(Some(salt))
    }

    /// The part at an index. The state says that there is one: where it is none, no other salt of the datum is taken for it.
    fn part(&mut self, past: &Past, index: u64) -> Result<&Turn, StartError> {
        let turn = match self.part.take() {
            Some((known, turn)) if known == index => turn,
            _ => match self.change(past, index)? {
                Some(Change::Epoch { turn: turn @ Turn::Resealed(_), .. }) => turn,
                _ => return Err(EventError::Malformed.into()),
            },
        };
        Ok(&self.part.insert((index, turn)).1)
    }

    fn change(&self, past: &Past, index: u64) -> Result<Option<Change>, StartError> {
        let place = usize::try_from(index).ok().and_then(|index| past.places.get(index));
        let Some(place) = place else { return Ok(None) };
        let bytes = self.entries.read(*place)?;
        Ok(Some(SealedEvent::decode(&mut bytes.as_slice())?.open(self.key)?.change))
    }
}
