//! Events: what the journal keeps and the state is made of. Each is one log entry, with what the entry only hashes or hides.

use sceau_element_api::OrganisationId;
use sceau_element_api::protect::DatumId;
use sceau_trace::{Hash, OpeningError, Openings, Record, RecordError, leaf_hash};

use crate::sealing::{JournalKey, SealingError};
use crate::state::{CallKey, Turn};

/// Something that happened, with the exact bytes of its log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes of the log entry: a trace record, with commitments in place of ids that are not for everyone.
    pub leaf: Vec<u8>,
    /// What opens them.
    pub openings: Openings,
    /// What it changes.
    pub change: Change,
}

/// What an event changes in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing but the log.
    Recorded,
    /// The row that the record attests now has this payload.
    Attested {
        /// The exact bytes of the document.
        payload: Vec<u8>,
    },
    /// A key manager's record was taken in.
    Delivered {
        /// The organisation that signed it.
        organisation: OrganisationId,
        /// SHA-256 of the signed record, by which it is known again.
        record: Hash,
    },
    /// An application's call was taken, granted or refused.
    Called {
        /// By which it is known again.
        call: CallKey,
        /// The datum of the application's that it is about, if there is one.
        about: Option<About>,
        /// The new version of the datum that the record attests, if it attests one.
        row: Option<CalledRow>,
    },
    /// An epoch of an organisation's keys took a turn.
    Epoch {
        /// Whose.
        organisation: OrganisationId,
        /// The epoch.
        epoch: u32,
        /// What happened to it.
        turn: Turn,
    },
}

/// A call's place among those about a datum: they are found from the last one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The datum.
    pub datum: DatumId,
    /// Index of the entry of the call before.
    pub previous: Option<u64>,
}

/// A new version of a datum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledRow {
    /// The exact bytes of the document.
    pub payload: Vec<u8>,
    /// The salt of the datum's key, sealed under the tenant's epoch key.
    pub salt: Vec<u8>,
}

/// An event as the journal keeps it: the entry in clear, as the log shows it, the rest sealed for this entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// The bytes of the log entry.
    pub leaf: Vec<u8>,
    tag: u8,
    sealed: Vec<u8>,
}

/// The bytes of an event cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// They are not an event of this version.
    #[error("an event of the journal cannot be read")]
    Malformed,
    /// What is sealed does not open.
    #[error("an event of the journal does not open: {0}")]
    Sealed(#[from] SealingError),
    /// The entry is not a record.
    #[error("an entry of the journal is not a record: {0}")]
    Record(#[from] RecordError),
    /// The openings are not this entry's.
    #[error("an entry of the journal is opened wrongly: {0}")]
    Opening(#[from] OpeningError),
}

const RECORDED: u8 = 1;
const ATTESTED: u8 = 2;
const DELIVERED: u8 = 3;
/// A call that does not say what it is about: of a program before.
const CALLED_ALONE: u8 = 4;
const CALLED: u8 = 5;
const EPOCH: u8 = 6;

const BEGUN: u8 = 1;
const RESEALED: u8 = 2;
const ENDED: u8 = 3;

impl Event {
    /// What happened, by its record: the log is to show commitments in place of the ids in it that are not for everyone.
    #[must_use]
    pub fn new(record: &Record, change: Change) -> Self {
        let (committed, openings) = record.commit(sceau_crypto::random);
        Self { leaf: committed.to_bytes(), openings, change }
    }

    /// The record, with its ids in clear.
    ///
    /// # Errors
    /// When the entry is not a record, or opened wrongly.
    pub fn record(&self) -> Result<Record, EventError> {
        Ok(Record::parse(&self.leaf)?.reveal(&self.openings)?)
    }

    /// Seals all but the entry, for the journal.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn seal(&self, key: &dyn JournalKey) -> Result<SealedEvent, EventError> {
        let tag = match self.change {
            Change::Recorded => RECORDED,
            Change::Attested { .. } => ATTESTED,
            Change::Delivered { .. } => DELIVERED,
            Change::Called { .. } => CALLED,
            Change::Epoch { .. } => EPOCH,
        };
        let sealed = if tag == RECORDED && self.openings.is_empty() {
            Vec::new()
        } else {
            key.seal(&context(tag, &self.leaf), &self.body()?)?
        };
        Ok(SealedEvent { leaf: self.leaf.clone(), tag, sealed })
    }

    /// `openings length (4) ‖ openings (JSON) ‖ what the change needs`
    fn body(&self) -> Result<Vec<u8>, EventError> {
        let mut body = Vec::new();
        put(&mut body, &serde_json::to_vec(&self.openings).map_err(|_| EventError::Malformed)?);
        match &self.change {
            Change::Recorded => {}
            Change::Attested { payload } => body.extend_from_slice(payload),
            Change::Delivered { organisation, record } => {
                body.extend_from_slice(record.as_bytes());
                body.extend_from_slice(organisation.to_string().as_bytes());
            }
            Change::Called { call, about, row } => {
                body.extend_from_slice(&call.ends.to_be_bytes());
                body.extend_from_slice(&call.digest);
                put(&mut body, call.application.to_string().as_bytes());
                put(&mut body, &about.map(About::bytes).unwrap_or_default());
                if let Some(row) = row {
                    put(&mut body, &row.payload);
                    put(&mut body, &row.salt);
                }
            }
            Change::Epoch { organisation, epoch, turn } => {
                put(&mut body, organisation.to_string().as_bytes());
                body.extend_from_slice(&epoch.to_be_bytes());
                body.push(match turn {
                    Turn::Begun => BEGUN,
                    Turn::Resealed(_) => RESEALED,
                    Turn::Ended => ENDED,
                });
                if let Turn::Resealed(salts) = turn {
                    for (datum, salt) in salts {
                        body.extend_from_slice(datum.as_bytes());
                        put(&mut body, salt);
                    }
                }
            }
        }
        Ok(body)
    }
}

impl SealedEvent {
    /// Opens it.
    ///
    /// # Errors
    /// When it was sealed under another key, for another entry, or not by this version.
    pub fn open(&self, key: &dyn JournalKey) -> Result<Event, EventError> {
        let leaf = self.leaf.clone();
        if self.tag == RECORDED && self.sealed.is_empty() {
            return Ok(Event { leaf, openings: Openings::default(), change: Change::Recorded });
        }
        let body = key.open(&context(self.tag, &leaf), &self.sealed)?;
        let mut rest = body.expose();
        let openings = serde_json::from_slice(take(&mut rest)?).map_err(|_| EventError::Malformed)?;
        let change = match self.tag {
            RECORDED if rest.is_empty() => Change::Recorded,
            ATTESTED => Change::Attested { payload: rest.to_vec() },
            DELIVERED => {
                let (record, organisation) = rest.split_first_chunk::<32>().ok_or(EventError::Malformed)?;
                let organisation = std::str::from_utf8(organisation).ok().and_then(|text| text.parse().ok());
                let organisation = organisation.ok_or(EventError::Malformed)?;
                Change::Delivered { organisation, record: Hash::new(*record) }
            }
            CALLED_ALONE => called(rest, false)?,
            CALLED => called(rest, true)?,
            EPOCH => turned(rest)?,
            _ => return Err(EventError::Malformed),
        };
        Ok(Event { leaf, openings, change })
    }

    /// What the state is made of: as [`open`](Self::open), but what changes nothing stays sealed, for most entries are such.
    ///
    /// # Errors
    /// Those.
    pub fn replay(&self, key: &dyn JournalKey) -> Result<Event, EventError> {
        if self.tag == RECORDED {
            let (leaf, openings) = (self.leaf.clone(), Openings::default());
            return Ok(Event { leaf, openings, change: Change::Recorded });
        }
        self.open(key)
    }

    /// Appends `tag (1) ‖ leaf length (4) ‖ leaf ‖ sealed length (4) ‖ sealed` to `out`, and returns where in it that is.
    pub fn encode(&self, out: &mut Vec<u8>) -> std::ops::Range<usize> {
        let start = out.len();
        out.push(self.tag);
        put(out, &self.leaf);
        put(out, &self.sealed);
        start..out.len()
    }

    /// Reads one event from the front of `bytes`, and moves past it.
    ///
    /// # Errors
    /// [`EventError::Malformed`].
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, EventError> {
        let (tag, rest) = bytes.split_first().ok_or(EventError::Malformed)?;
        *bytes = rest;
        let leaf = take(bytes)?.to_vec();
        let sealed = take(bytes)?.to_vec();
        if !(RECORDED..=EPOCH).contains(tag) {
            return Err(EventError::Malformed);
        }
        Ok(Self { leaf, tag: *tag, sealed })
    }
}

impl About {
    /// `datum (32)`, and `index of the entry before (8)` where there is one.
    fn bytes(self) -> Vec<u8> {
        let previous = self.previous.map(u64::to_be_bytes);
        [self.datum.as_bytes().as_slice(), previous.as_ref().map_or(&[], <[u8; 8]>::as_slice)].concat()
    }

    fn read(bytes: &[u8]) -> Result<Option<Self>, EventError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let (datum, previous) = bytes.split_first_chunk::<32>().ok_or(EventError::Malformed)?;
        let previous = match previous {
            [] => None,
            index => Some(u64::from_be_bytes(index.try_into().map_err(|_| EventError::Malformed)?)),
        };
        Ok(Some(Self { datum: (*datum).into(), previous }))
    }
}

/// `ends (8) ‖ digest (16) ‖ application's length (4) ‖ application ‖ length (4) ‖ what it is about`, and of a new version `length (4) ‖ payload ‖ length
/// (4) ‖ salt`
fn called(rest: &[u8], says_about: bool) -> Result<Change, EventError> {
    let (ends, rest) = rest.split_first_chunk::<8>().ok_or(EventError::Malformed)?;
    let (digest, mut rest) = rest.split_first_chunk::<16>().ok_or(EventError::Malformed)?;
    let application = std::str::from_utf8(take(&mut rest)?).ok().and_then(|text| text.parse().ok());
    let application = application.ok_or(EventError::Malformed)?;
    let call = CallKey { ends: u64::from_be_bytes(*ends), application, digest: *digest };
    let about = if says_about { About::read(take(&mut rest)?)? } else { None };
    if rest.is_empty() {
        return Ok(Change::Called { call, about, row: None });
    }
    let row = CalledRow { payload: take(&mut rest)?.to_vec(), salt: take(&mut rest)?.to_vec() };
    if rest.is_empty() {
        Ok(Change::Called { call, about, row: Some(row) })
    } else {
        Err(EventError::Malformed)
    }
}

/// `organisation's length (4) ‖ organisation ‖ epoch (4) ‖ turn (1)`, and of salts that were sealed anew for each `datum (32) ‖ length (4) ‖ salt`
fn turned(mut rest: &[u8]) -> Result<Change, EventError> {
    let organisation = std::str::from_utf8(take(&mut rest)?).ok().and_then(|text| text.parse().ok());
    let organisation = organisation.ok_or(EventError::Malformed)?;
    let (epoch, rest) = rest.split_first_chunk::<4>().ok_or(EventError::Malformed)?;
    let (turn, mut rest) = rest.split_first().ok_or(EventError::Malformed)?;
    let turn = match *turn {
        BEGUN if rest.is_empty() => Turn::Begun,
        ENDED if rest.is_empty() => Turn::Ended,
        RESEALED => {
            let mut salts = Vec::new();
            while let Some((datum, after)) = rest.split_first_chunk::<32>() {
                rest = after;
                salts.push(((*datum).into(), take(&mut rest)?.to_vec()));
            }
            if !rest.is_empty() {
                return Err(EventError::Malformed);
            }
            Turn::Resealed(salts)
        }
        _ => return Err(EventError::Malformed),
    };
    Ok(Change::Epoch { organisation, epoch: u32::from_be_bytes(*epoch), turn })
}

/// What the sealed part is bound to: a part moved to another entry, or taken for another change, does not open.
fn context(tag: u8, leaf: &[u8]) -> [u8; 33] {
    let mut context = [tag; 33];
    context.iter_mut().zip(leaf_hash(leaf).as_bytes()).for_each(|(place, byte)| *place = *byte);
    context
}

/// Leaves and payloads are bounded far below 4 GiB before they become events.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], EventError> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(EventError::Malformed)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (taken, rest) = rest.split_at_checked(length).ok_or(EventError::Malformed)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::sealing::EphemeralKey;
    use proptest::prelude::*;
    use sceau_crypto::Secret;
    use sceau_element_api::ApplicationId;
    use sceau_trace::{Action, Actor, ActorKind, Asserted};

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(Change::Recorded),
            proptest::collection::vec(any::<u8>(), 0..50).prop_map(|payload| Change::Attested { payload }),
            any::<[u8; 32]>().prop_map(|record| Change::Delivered {
                organisation: OrganisationId::random(),
                record: Hash::new(record)
            }),
            (
                any::<(u64, [u8; 16])>(),
                any::<Option<([u8; 32], Option<u64>)>>(),
                any::<Option<([u8; 9], [u8; 5])>>()
            )
                .prop_map(|((ends, digest), about, row)| Change::Called {
                    call: CallKey { ends, application: ApplicationId::random(), digest },
                    about: about.map(|(datum, previous)| About { datum: datum.into(), previous }),
                    row: row.map(|(payload, salt)| CalledRow { payload: payload.into(), salt: salt.into() }),
                }),
            (any::<u32>(), turn()).prop_map(|(epoch, turn)| Change::Epoch {
                organisation: OrganisationId::random(),
                epoch,
                turn
            }),
        ]
    }

    fn turn() -> impl Strategy<Value = Turn> {
        let salts = proptest::collection::vec(any::<([u8; 32], [u8; 9])>(), 0..4);
        prop_oneof![
            Just(Turn::Begun),
            Just(Turn::Ended),
            salts.prop_map(|salts| {
                Turn::Resealed(salts.into_iter().map(|(datum, salt)| (datum.into(), salt.into())).collect())
            }),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        let kind = prop_oneof![Just(ActorKind::Citizen), Just(ActorKind::Platform)];
        (kind, "[a-z0-9-]{1,36}", change()).prop_map(|(kind, id, change)| {
            let record = Record::builder(1, Actor::new(kind, id), Asserted::Platform, Action::LOGIN);
            Event::new(&record.granted().build().unwrap(), change)
        })
    }

    proptest! {
        #[test]
        fn events_come_back_as_they_were(events in proptest::collection::vec(event(), 0..6)) {
            let key = EphemeralKey::of(Secret::random());
            let mut bytes = Vec::new();
            for event in &events {
                let sealed = event.seal(&key).unwrap();
                let range = sealed.encode(&mut bytes);
                prop_assert_eq!(SealedEvent::decode(&mut bytes.get(range).unwrap()).unwrap(), sealed);
            }
            let mut rest = bytes.as_slice();
            for event in &events {
                prop_assert_eq!(&SealedEvent::decode(&mut rest).unwrap().open(&key).unwrap(), event);
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn what_is_sealed_opens_for_its_entry_and_key_only(one in event(), other in event()) {
            let key = EphemeralKey::of(Secret::random());
            let (sealed, foreign) = (one.seal(&key).unwrap(), other.seal(&key).unwrap());
            prop_assume!(!sealed.sealed.is_empty() && one.leaf != other.leaf);
            let moved = SealedEvent { leaf: foreign.leaf, ..sealed.clone() };
            prop_assert!(moved.open(&key).is_err());
            let retagged = SealedEvent { tag: sealed.tag % EPOCH + 1, ..sealed.clone() };
            prop_assert!(retagged.open(&key).is_err());
            prop_assert!(sealed.open(&EphemeralKey::of(Secret::random())).is_err());
        }

        #[test]
        fn a_call_of_a_program_before_is_read(ends in any::<u64>(), digest in any::<[u8; 16]>(), row in any::<Option<([u8; 9], [u8; 5])>>()) {
            let call = CallKey { ends, application: ApplicationId::random(), digest };
            let row = row.map(|(payload, salt)| CalledRow { payload: payload.into(), salt: salt.into() });
            let mut body = [&ends.to_be_bytes()[..], &digest].concat();
            put(&mut body, call.application.to_string().as_bytes());
            if let Some(row) = &row {
                put(&mut body, &row.payload);
                put(&mut body, &row.salt);
            }
            prop_assert_eq!(called(&body, false).unwrap(), Change::Called { call, about: None, row });
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = SealedEvent::decode(&mut bytes.as_slice());
        }
    }
}
