//! Events: what the journal keeps and the state is made of. Each is one log entry, with what the entry only hashes or hides.

mod bytes;
mod keyring;

use sceau_element_api::OrganisationId;
use sceau_element_api::protect::DatumId;
use sceau_hsm::Together;
use sceau_trace::{Hash, OpeningError, Openings, Record, RecordError, leaf_hash};

use self::bytes::{CALLED, CALLED_APART, LAST, RECORDED};
pub(crate) use self::bytes::{put, take};
pub use self::keyring::{AttemptEnd, HolderUse, KeyringChange, KeyringsBegun, TerminalBox};
use crate::retention::{Month, part, split};
use crate::sealing::{JournalKey, SealingError};
use crate::state::{CallKey, RetentionStep, Turn};

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
    /// Administrators or data officers changed a datum: its new version, which the record attests.
    Acted {
        /// The datum.
        about: About,
        /// The new version.
        row: CalledRow,
    },
    /// The keystore signed a content of a datum.
    Signed {
        /// The datum.
        about: About,
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
    /// The key of a month, under which it is sealed who asked, takes a step to its end.
    Retention {
        /// The month.
        month: Month,
        /// The step.
        step: RetentionStep,
    },
    /// A checkpoint of another log was seen.
    Seen {
        /// It, with its log's signature.
        note: String,
    },
    /// A step in the life of keyrings.
    Keyring(KeyringChange),
}

impl Change {
    /// The new version of a datum, where it has one.
    pub(crate) fn into_datum(self) -> Option<CalledRow> {
        match self {
            Self::Called { row, .. } => row,
            Self::Acted { row, .. } => Some(row),
            _ => None,
        }
    }
}

/// The place of a call, an act or a signature among those about a datum: they are found from the last one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The datum.
    pub datum: DatumId,
    /// Index of the entry of the one before.
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
    /// What is forgotten in time, sealed under the key of a month; empty where that is no part of its own.
    personal: Vec<u8>,
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
        self.seal_together(key, &Together::default())
    }

    /// Seals one of several events that are written together.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub(crate) fn seal_together(
        &self,
        key: &dyn JournalKey,
        together: &Together,
    ) -> Result<SealedEvent, EventError> {
        let tag = self.change.tag();
        if tag == CALLED
            && let Some(apart) = self.seal_apart(key, together)?
        {
            return Ok(apart);
        }
        let sealed = if tag == RECORDED && self.openings.is_empty() {
            Vec::new()
        } else {
            key.seal_together(&context(tag, &self.leaf), &self.body(&self.openings)?, together)?
        };
        Ok(SealedEvent { leaf: self.leaf.clone(), tag, sealed, personal: Vec::new() })
    }

    /// Seals a call, and apart from it who asked, where that is forgotten in time.
    fn seal_apart(
        &self,
        key: &dyn JournalKey,
        together: &Together,
    ) -> Result<Option<SealedEvent>, EventError> {
        let record = Record::parse(&self.leaf)?;
        let (personal, kept) = part(&record, &self.openings);
        let personal = key.seal_personal(record.time(), &apart(&self.leaf), &json(&personal)?)?;
        let Some(personal) = personal else { return Ok(None) };
        let sealed = key.seal_together(&context(CALLED_APART, &self.leaf), &self.body(&kept)?, together)?;
        Ok(Some(SealedEvent { leaf: self.leaf.clone(), tag: CALLED_APART, sealed, personal }))
    }

    /// `openings length (4) ‖ openings (JSON) ‖ what the change needs`
    fn body(&self, openings: &Openings) -> Result<Vec<u8>, EventError> {
        let mut body = Vec::new();
        put(&mut body, &json(openings)?);
        self.change.write(&mut body);
        Ok(body)
    }
}

impl SealedEvent {
    /// Opens it. What was forgotten is not among its openings.
    ///
    /// # Errors
    /// When it was sealed under another key, for another entry, or not by this version.
    pub fn open(&self, key: &dyn JournalKey) -> Result<Event, EventError> {
        let mut event = self.open_kept(key)?;
        if self.tag == CALLED_APART
            && let Some(personal) = key.open_personal(&apart(&self.leaf), &self.personal)?
        {
            let personal: Openings =
                serde_json::from_slice(personal.expose()).map_err(|_| EventError::Malformed)?;
            for (path, opening) in personal.iter() {
                event.openings.insert(path, opening.clone());
            }
        }
        Ok(event)
    }

    /// The month under whose key it is sealed who asked, if it is apart.
    pub(crate) fn month(&self) -> Option<Month> {
        split(&self.personal).map(|(month, _)| month)
    }

    /// Opens it but for what is forgotten in time.
    fn open_kept(&self, key: &dyn JournalKey) -> Result<Event, EventError> {
        let leaf = self.leaf.clone();
        if self.tag == RECORDED && self.sealed.is_empty() {
            return Ok(Event { leaf, openings: Openings::default(), change: Change::Recorded });
        }
        let body = key.open(&context(self.tag, &leaf), &self.sealed)?;
        let mut rest = body.expose();
        let openings = serde_json::from_slice(take(&mut rest)?).map_err(|_| EventError::Malformed)?;
        let change = Change::read(self.tag, rest)?;
        Ok(Event { leaf, openings, change })
    }

    /// What the state is made of: as [`open`](Self::open), but what changes nothing stays sealed, for most entries are such, and what is forgotten in time.
    ///
    /// # Errors
    /// Those.
    pub fn replay(&self, key: &dyn JournalKey) -> Result<Event, EventError> {
        if self.tag == RECORDED {
            let (leaf, openings) = (self.leaf.clone(), Openings::default());
            return Ok(Event { leaf, openings, change: Change::Recorded });
        }
        self.open_kept(key)
    }

    /// Appends `tag (1) ‖ leaf length (4) ‖ leaf ‖ sealed length (4) ‖ sealed` to `out`, and `length (4) ‖ personal` where that is apart; returns where in it that is.
    pub fn encode(&self, out: &mut Vec<u8>) -> std::ops::Range<usize> {
        let start = out.len();
        out.push(self.tag);
        put(out, &self.leaf);
        put(out, &self.sealed);
        if self.tag == CALLED_APART {
            put(out, &self.personal);
        }
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
        if !(RECORDED..=LAST).contains(tag) {
            return Err(EventError::Malformed);
        }
        let personal = if *tag == CALLED_APART { take(bytes)?.to_vec() } else { Vec::new() };
        Ok(Self { leaf, tag: *tag, sealed, personal })
    }
}

fn json(openings: &Openings) -> Result<Vec<u8>, EventError> {
    serde_json::to_vec(openings).map_err(|_| EventError::Malformed)
}

/// What the part that is forgotten in time is bound to.
fn apart(leaf: &[u8]) -> [u8; 33] {
    context(u8::MAX, leaf)
}

/// What the sealed part is bound to: a part moved to another entry, or taken for another change, does not open.
fn context(tag: u8, leaf: &[u8]) -> [u8; 33] {
    let mut context = [tag; 33];
    context.iter_mut().zip(leaf_hash(leaf).as_bytes()).for_each(|(place, byte)| *place = *byte);
    context
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::sealing::EphemeralKey;
    use proptest::prelude::*;
    use sceau_crypto::Secret;
    use sceau_element_api::ApplicationId;
    use sceau_element_api::protect::Kept;
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
            any::<([u8; 32], Option<u64>, [u8; 9], [u8; 5])>().prop_map(
                |(datum, previous, payload, salt)| {
                    let row = CalledRow { payload: payload.into(), salt: salt.into() };
                    Change::Acted { about: About { datum: datum.into(), previous }, row }
                }
            ),
            any::<([u8; 32], Option<u64>)>().prop_map(|(datum, previous)| Change::Signed {
                about: About { datum: datum.into(), previous }
            }),
            (any::<u32>(), turn()).prop_map(|(epoch, turn)| Change::Epoch {
                organisation: OrganisationId::random(),
                epoch,
                turn
            }),
            ".{0,40}".prop_map(|note| Change::Seen { note }),
            (0..40_000_u32, prop_oneof![Just(RetentionStep::Due), Just(RetentionStep::Ended)])
                .prop_map(|(month, step)| Change::Retention { month: Month::from_number(month), step }),
            keyring::tests::change().prop_map(Change::Keyring),
        ]
    }

    fn turn() -> impl Strategy<Value = Turn> {
        let salts = proptest::collection::vec(any::<([u8; 32], [u8; 9])>(), 0..4);
        prop_oneof![
            prop_oneof![Just(Kept::Files), Just(Kept::Token), Just(Kept::Either)]
                .prop_map(|kept| Turn::Begun { kept }),
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
            let retagged = SealedEvent { tag: sealed.tag % LAST + 1, ..sealed.clone() };
            prop_assert!(retagged.open(&key).is_err());
            prop_assert!(sealed.open(&EphemeralKey::of(Secret::random())).is_err());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = SealedEvent::decode(&mut bytes.as_slice());
        }
    }
}
