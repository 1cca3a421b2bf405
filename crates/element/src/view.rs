//! What readers see: only what is durable. Hashes are in memory, entries on disk.

mod agreements;
mod keyrings;
mod lines;
mod proofs;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sceau_element_api::Kind;
use sceau_element_api::documents::{Datum, Document as _, ProtectAct};
use sceau_element_api::protect::{Accesses, DatumId, Erasure, Happened, Kept, KeptRow};
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_trace::{
    Evidence, EvidenceError, FieldPath, Hash, LogTree, Record, VerifiedCheckpoint, VerifierKey,
};

use crate::clock::Clock;
use crate::event::{About, Change, Event, EventError, KeyringChange, SealedEvent};
use crate::journal::Place;
use crate::protect::access;
use crate::pulse::{Pulse, SeenKey};
use crate::sealing::JournalKey;
use crate::state::{ApplyError, State, Turn};

/// The log and the state as of the last durable batch.
#[derive(Debug)]
pub struct View {
    /// May be ahead of `durable` by the batch that is being written.
    tree: RwLock<LogTree>,
    durable: RwLock<Durable>,
    log: Log,
    pulse: Arc<Pulse>,
}

/// Where entries are read from, and with which keys.
pub struct Log {
    /// The journal's file.
    pub entries: File,
    /// The key that checkpoints verify under.
    pub key: VerifierKey,
    /// The key that opens what the journal keeps sealed.
    pub journal_key: Arc<dyn JournalKey>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Durable {
    state: State,
    places: Vec<Place>,
    checkpoint: Arc<VerifiedCheckpoint>,
    note: Arc<str>,
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is beyond the end of the log.
    #[error("there is no such entry, tile or tree")]
    NotFound,
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] io::Error),
    /// What the journal holds at a place is not the event that was put there.
    #[error("the journal cannot be read: {0}")]
    Event(#[from] EventError),
    /// The hashes in memory contradict the checkpoint.
    #[error("the proof cannot be made")]
    Proof(#[from] EvidenceError),
}

impl View {
    /// A view of what was recovered, or of the first batch.
    #[must_use]
    pub fn new(
        tree: LogTree,
        state: State,
        places: Vec<Place>,
        checkpoint: VerifiedCheckpoint,
        log: Log,
        clock: Clock,
    ) -> Self {
        let pulse = Arc::new(Pulse::default());
        let journal_key = Arc::new(SeenKey { key: log.journal_key, pulse: Arc::clone(&pulse), clock });
        let log = Log { journal_key, ..log };
        let note = Arc::from(checkpoint.note().to_string());
        let durable = Durable { state, places, checkpoint: Arc::new(checkpoint), note };
        Self { tree: RwLock::new(tree), durable: RwLock::new(durable), log, pulse }
    }

    /// Runs `look` on the state. It must be short: the writer waits for it.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.durable().state)
    }

    /// Since when the writer is at a batch, and keys are used.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// The key that checkpoints verify under.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.log.key
    }

    /// The number of durable entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.durable().checkpoint.size()
    }

    /// The last checkpoint, as a signed note.
    #[must_use]
    pub fn note(&self) -> Arc<str> {
        Arc::clone(&self.durable().note)
    }

    /// The current versions of rows.
    #[must_use]
    pub fn rows(&self, keys: &[RowKey]) -> Vec<Option<AttestedRow>> {
        let durable = self.durable();
        keys.iter().map(|key| durable.state.row(key)).collect()
    }

    /// The exact bytes of up to `count` entries from `start`, as the log shows them; at most `budget` bytes of them but at
    /// least one.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when `start` is beyond the end.
    pub fn entries(&self, start: u64, count: u64, budget: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let places = self.places(start, count)?;
        let mut entries = Vec::with_capacity(places.len());
        let mut total = 0_usize;
        for place in places {
            let entry = self.event(place)?.leaf;
            total = total.saturating_add(entry.len());
            if total > budget && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The current version of a row with its bytes, and the sealed salt of a datum's key, from the journal.
    ///
    /// # Errors
    /// [`ReadError`] when the journal does not hold it.
    pub fn kept(&self, key: &RowKey) -> Result<Option<(AttestedRow, KeptRow)>, ReadError> {
        let Some(row) = self.rows(std::slice::from_ref(key)).pop().flatten() else { return Ok(None) };
        let place = self.places(row.index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        let (payload, salt) = match self.event(place)?.open(&*self.log.journal_key)?.change {
            Change::Attested { payload } => (payload, Vec::new()),
            // What is sealed of it stays here.
            Change::Keyring(KeyringChange::Row { payload, .. }) => (payload.0, Vec::new()),
            change => {
                let salted = change.into_datum().ok_or(ReadError::NotFound)?;
                let salt = self.salt(&salted.payload, row.index)?.unwrap_or(salted.salt);
                (salted.payload, salt)
            }
        };
        Ok(Some((row, KeptRow { payload: payload.into(), salt: salt.into() })))
    }

    /// The salt of a datum whose row is at `index`, where it was sealed anew since.
    fn salt(&self, payload: &[u8], index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let document = Datum::parse(payload).map_err(|_| ReadError::NotFound)?.document;
        let datum = document.id;
        let parts: Vec<u64> = self.with_state(|state| {
            let epochs = state.epochs(document.organisation).filter(|_| document.erased.is_none());
            epochs.map(|epochs| epochs.resealed(datum, index).collect()).unwrap_or_default()
        });
        for part in parts {
            let place = self.places(part, 1)?.first().copied().ok_or(ReadError::NotFound)?;
            let Change::Epoch { turn: turn @ Turn::Resealed(_), .. } =
                self.event(place)?.open(&*self.log.journal_key)?.change
            else {
                return Err(ReadError::NotFound);
            };
            if let Some(salt) = turn.salt_of(&datum) {
                return Ok(Some(salt.to_vec()));
            }
        }
        Ok(None)
    }

    /// The certificate that a datum was erased.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when it was not.
    pub fn erasure(&self, datum: DatumId) -> Result<Erasure, ReadError> {
        let key = RowKey { kind: Kind::Datum, id: datum.into() };
        let (row, kept) = self.kept(&key)?.ok_or(ReadError::NotFound)?;
        let document = Datum::parse(&kept.payload).map_err(|_| ReadError::NotFound)?.document;
        let epoch = document.erased.ok_or(ReadError::NotFound)?.epoch;
        let organisation = document.organisation;
        let destroyed =
            self.with_state(|state| state.epochs(organisation).and_then(|epochs| epochs.ended(epoch)));
        let mut evidence = vec![self.evidence_of_datum(row.index)?];
        let proven = evidence.first().and_then(|one| one.verify(None).ok()).ok_or(ReadError::NotFound)?;
        let record = proven.record;
        let erased = Happened { time: record.time(), index: row.index };
        if let Some(destroyed) = destroyed {
            evidence.push(self.evidence_of_datum(destroyed.index)?);
        }
        Ok(Erasure {
            v: 1,
            format: Erasure::format(),
            datum,
            organisation,
            application: document.application,
            epoch,
            erased,
            act: ProtectAct::of_record(&record),
            destroyed,
            due: Erasure::due_of(&record),
            not_covered: Kept::of(&record).not_covered(),
            evidence,
        })
    }

    /// The evidence of an entry under the last checkpoint, without openings: made for each answer that is to be proven, and quickly.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the durable log.
    pub fn bare_evidence(&self, index: u64) -> Result<Evidence, ReadError> {
        let place = self.places(index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        let checkpoint = Arc::clone(&self.durable().checkpoint);
        let proof = self.inclusion(index, checkpoint.size())?;
        Ok(Evidence::of_verified(&self.event(place)?.leaf, index, proof, &checkpoint, &self.log.key)?)
    }

    /// The evidence of an entry, which shows which datum it is about, and no person.
    fn evidence_of_datum(&self, index: u64) -> Result<Evidence, ReadError> {
        let evidence = self.evidence(index)?;
        let record = Record::parse(&evidence.record_bytes()?).map_err(EventError::from)?;
        let of_datum = |at: u8| record.subjects().get(usize::from(at)).is_some_and(|it| it.kind == "datum");
        let openings = evidence.openings().clone();
        let shown = openings.only(|path| match path {
            FieldPath::Attested => true,
            FieldPath::Subject(at) => of_datum(at),
            FieldPath::Actor => false,
        });
        Ok(evidence.with_openings(shown)?)
    }

    /// Calls about a datum, acts on it and signatures of its content, the last one first: up to `most` of them, before the one at `before` if there is one.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when the entry at `before` is none of them; [`ReadError`] when the journal does not hold one.
    pub fn accesses(&self, datum: DatumId, before: Option<u64>, most: usize) -> Result<Accesses, ReadError> {
        let mut next = match before {
            Some(index) => self.called(index, datum)?.1.previous,
            None => self.with_state(|state| state.last_access(datum)),
        };
        let mut list = Vec::new();
        while let Some(index) = next.filter(|_| list.len() < most) {
            let (event, about) = self.called(index, datum)?;
            list.push(access(index, &event.record()?).ok_or(ReadError::NotFound)?);
            next = about.previous;
        }
        let next = next.and(list.last()).map(|last| last.index);
        Ok(Accesses { list, next })
    }

    /// The event at an index, which is one of those about this datum.
    fn called(&self, index: u64, datum: DatumId) -> Result<(Event, About), ReadError> {
        let place = self.places(index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        let event = self.event(place)?.open(&*self.log.journal_key)?;
        match event.change {
            Change::Called { about: Some(about), .. }
            | Change::Acted { about, .. }
            | Change::Signed { about }
                if about.datum == datum =>
            {
                Ok((event, about))
            }
            _ => Err(ReadError::NotFound),
        }
    }

    /// The evidence of an entry under the last checkpoint, with all of its openings: who passes it on leaves out what its
    /// reader may not know.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the durable log.
    pub fn evidence(&self, index: u64) -> Result<Evidence, ReadError> {
        let place = self.places(index, 1)?.first().copied().ok_or(ReadError::NotFound)?;
        let checkpoint = Arc::clone(&self.durable().checkpoint);
        let event = self.event(place)?.open(&*self.log.journal_key)?;
        let proof = self.inclusion(index, checkpoint.size())?;
        let evidence = Evidence::build(&event.leaf, index, proof, &checkpoint, &self.log.key)?;
        Ok(evidence.with_openings(event.openings)?)
    }

    /// The writer appends the leaves of a batch that is not durable yet, and gets the root over them.
    pub(crate) fn extend(&self, leaves: impl IntoIterator<Item = Hash>) -> (u64, Hash) {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        tree.extend(leaves);
        (tree.size(), tree.root())
    }

    /// The writer shows a batch that has become durable.
    pub(crate) fn publish(
        &self,
        events: &[Event],
        places: Vec<Place>,
        checkpoint: VerifiedCheckpoint,
        note: String,
    ) -> Result<(), ApplyError> {
        let mut durable = self.durable_mut();
        for event in events {
            durable.state.apply(event)?;
        }
        durable.places.extend(places);
        durable.checkpoint = Arc::new(checkpoint);
        durable.note = Arc::from(note);
        Ok(())
    }

    fn places(&self, start: u64, count: u64) -> Result<Vec<Place>, ReadError> {
        let durable = self.durable();
        let start = usize::try_from(start).map_err(|_| ReadError::NotFound)?;
        let count = usize::try_from(count).map_err(|_| ReadError::NotFound)?;
        let end = start.saturating_add(count).min(durable.places.len());
        let places = durable.places.get(start..end).filter(|places| !places.is_empty());
        places.map(<[Place]>::to_vec).ok_or(ReadError::NotFound)
    }

    fn event(&self, place: Place) -> Result<SealedEvent, ReadError> {
        let mut bytes = vec![0; place.length as usize];
        self.log.entries.read_exact_at(&mut bytes, place.offset)?;
        Ok(SealedEvent::decode(&mut bytes.as_slice())?)
    }

    // A writer that panicked ends the process, so a poisoned lock is never read for long.
    fn tree(&self) -> RwLockReadGuard<'_, LogTree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable(&self) -> RwLockReadGuard<'_, Durable> {
        self.durable.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable_mut(&self) -> RwLockWriteGuard<'_, Durable> {
        self.durable.write().unwrap_or_else(PoisonError::into_inner)
    }
}
