//! Events: what the journal keeps and the state is made of. Each is one log entry, with what the entry only hashes.

use sceau_element_api::OrganisationId;
use sceau_trace::Hash;

/// Something that happened, with the exact bytes of its log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes of the log entry: a trace record.
    pub leaf: Vec<u8>,
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
}

/// The bytes of an event cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the journal cannot be read")]
pub struct MalformedEvent;

const RECORDED: u8 = 1;
const ATTESTED: u8 = 2;
const DELIVERED: u8 = 3;

impl Event {
    /// Appends `tag (1) ‖ leaf length (4) ‖ leaf ‖ extra length (4) ‖ extra` to `out`, and returns where in it the leaf is.
    pub fn encode(&self, out: &mut Vec<u8>) -> std::ops::Range<usize> {
        let mut delivered = Vec::new();
        let (tag, extra): (u8, &[u8]) = match &self.change {
            Change::Recorded => (RECORDED, &[]),
            Change::Attested { payload } => (ATTESTED, payload),
            Change::Delivered { organisation, record } => {
                delivered.extend_from_slice(record.as_bytes());
                delivered.extend_from_slice(organisation.to_string().as_bytes());
                (DELIVERED, &delivered)
            }
        };
        out.push(tag);
        put(out, &self.leaf);
        let end = out.len();
        put(out, extra);
        end - self.leaf.len()..end
    }

    /// Reads one event from the front of `bytes`, and moves past it.
    ///
    /// # Errors
    /// [`MalformedEvent`].
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, MalformedEvent> {
        let (tag, rest) = bytes.split_first().ok_or(MalformedEvent)?;
        *bytes = rest;
        let leaf = take(bytes)?.to_vec();
        let extra = take(bytes)?;
        let change = match *tag {
            RECORDED if extra.is_empty() => Change::Recorded,
            ATTESTED => Change::Attested { payload: extra.to_vec() },
            DELIVERED => {
                let (record, organisation) = extra.split_first_chunk::<32>().ok_or(MalformedEvent)?;
                let organisation = std::str::from_utf8(organisation).ok().and_then(|text| text.parse().ok());
                Change::Delivered {
                    organisation: organisation.ok_or(MalformedEvent)?,
                    record: Hash::new(*record),
                }
            }
            _ => return Err(MalformedEvent),
        };
        Ok(Self { leaf, change })
    }
}

/// Leaves and payloads are bounded far below 4 GiB before they become events.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], MalformedEvent> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(MalformedEvent)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (taken, rest) = rest.split_at_checked(length).ok_or(MalformedEvent)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(Change::Recorded),
            proptest::collection::vec(any::<u8>(), 0..50).prop_map(|payload| Change::Attested { payload }),
            any::<[u8; 32]>().prop_map(|record| Change::Delivered {
                organisation: OrganisationId::random(),
                record: Hash::new(record)
            }),
        ]
    }

    proptest! {
        #[test]
        fn events_come_back_as_they_were(
            events in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..50), change()), 0..6)
        ) {
            let events: Vec<Event> = events.into_iter().map(|(leaf, change)| Event { leaf, change }).collect();
            let mut bytes = Vec::new();
            for event in &events {
                let range = event.encode(&mut bytes);
                prop_assert_eq!(bytes.get(range).unwrap(), event.leaf.as_slice());
            }
            let mut rest = bytes.as_slice();
            for event in &events {
                prop_assert_eq!(&Event::decode(&mut rest).unwrap(), event);
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Event::decode(&mut bytes.as_slice());
        }
    }
}
