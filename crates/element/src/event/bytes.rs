//! The bytes of what an event changes.

use sceau_element_api::protect::Kept;
use sceau_trace::Hash;

use super::{About, CalledRow, Change, EventError, KeyringChange};
use crate::retention::Month;
use crate::state::{CallKey, RetentionStep, Turn};

pub(super) const RECORDED: u8 = 1;
const ATTESTED: u8 = 2;
const DELIVERED: u8 = 3;
/// A call that does not say what it is about: of a program before.
const CALLED_ALONE: u8 = 4;
pub(super) const CALLED: u8 = 5;
const EPOCH: u8 = 6;
const RETENTION: u8 = 7;
/// The same as [`CALLED`], with what is forgotten in time in a part of its own.
pub(super) const CALLED_APART: u8 = 8;
const SEEN: u8 = 9;
const ACTED: u8 = 10;
const KEYRING: u8 = 11;
const SIGNED: u8 = 12;
pub(super) const LAST: u8 = SIGNED;

const DUE: u8 = 1;
const OVER: u8 = 2;

const BEGUN: u8 = 1;
const RESEALED: u8 = 2;
const ENDED: u8 = 3;
/// The same as [`BEGUN`], of epochs whose keys were all made in a token.
const BEGUN_IN_TOKEN: u8 = 4;
/// The same, where those before were not, or it is not known.
const BEGUN_EITHER: u8 = 5;

impl Change {
    /// Which one it is.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Self::Recorded => RECORDED,
            Self::Attested { .. } => ATTESTED,
            Self::Delivered { .. } => DELIVERED,
            Self::Called { .. } => CALLED,
            Self::Epoch { .. } => EPOCH,
            Self::Retention { .. } => RETENTION,
            Self::Seen { .. } => SEEN,
            Self::Acted { .. } => ACTED,
            Self::Keyring(_) => KEYRING,
            Self::Signed { .. } => SIGNED,
        }
    }

    /// Appends what it needs beside the entry.
    pub(super) fn write(&self, body: &mut Vec<u8>) {
        match self {
            Self::Recorded => {}
            Self::Attested { payload } => body.extend_from_slice(payload),
            Self::Delivered { organisation, record } => {
                body.extend_from_slice(record.as_bytes());
                body.extend_from_slice(organisation.to_string().as_bytes());
            }
            Self::Called { call, about, row } => {
                body.extend_from_slice(&call.ends.to_be_bytes());
                body.extend_from_slice(&call.digest);
                put(body, call.application.to_string().as_bytes());
                put(body, &about.map(About::bytes).unwrap_or_default());
                if let Some(row) = row {
                    put(body, &row.payload);
                    put(body, &row.salt);
                }
            }
            Self::Keyring(change) => change.write(body),
            Self::Seen { note } => body.extend_from_slice(note.as_bytes()),
            Self::Retention { month, step } => {
                body.extend_from_slice(&month.number().to_be_bytes());
                body.push(match step {
                    RetentionStep::Due => DUE,
                    RetentionStep::Ended => OVER,
                });
            }
            Self::Acted { about, row } => {
                put(body, &about.bytes());
                put(body, &row.payload);
                put(body, &row.salt);
            }
            Self::Signed { about } => body.extend_from_slice(&about.bytes()),
            Self::Epoch { organisation, epoch, turn } => {
                put(body, organisation.to_string().as_bytes());
                body.extend_from_slice(&epoch.to_be_bytes());
                body.push(match turn {
                    Turn::Begun { kept: Kept::Token } => BEGUN_IN_TOKEN,
                    Turn::Begun { kept: Kept::Either } => BEGUN_EITHER,
                    Turn::Begun { .. } => BEGUN,
                    Turn::Resealed(_) => RESEALED,
                    Turn::Ended => ENDED,
                });
                if let Turn::Resealed(salts) = turn {
                    for (datum, salt) in salts {
                        body.extend_from_slice(datum.as_bytes());
                        put(body, salt);
                    }
                }
            }
        }
    }

    /// Reads what was written of one with this tag.
    ///
    /// # Errors
    /// [`EventError::Malformed`].
    pub(super) fn read(tag: u8, rest: &[u8]) -> Result<Self, EventError> {
        Ok(match tag {
            RECORDED if rest.is_empty() => Self::Recorded,
            ATTESTED => Self::Attested { payload: rest.to_vec() },
            DELIVERED => {
                let (record, organisation) = rest.split_first_chunk::<32>().ok_or(EventError::Malformed)?;
                let organisation = std::str::from_utf8(organisation).ok().and_then(|text| text.parse().ok());
                let organisation = organisation.ok_or(EventError::Malformed)?;
                Self::Delivered { organisation, record: Hash::new(*record) }
            }
            CALLED_ALONE => called(rest, false)?,
            CALLED | CALLED_APART => called(rest, true)?,
            RETENTION => retained(rest)?,
            SEEN => Self::Seen { note: String::from_utf8(rest.to_vec()).map_err(|_| EventError::Malformed)? },
            EPOCH => turned(rest)?,
            ACTED => acted(rest)?,
            KEYRING => Self::Keyring(KeyringChange::read(rest)?),
            SIGNED => Self::Signed { about: About::read(rest)?.ok_or(EventError::Malformed)? },
            _ => return Err(EventError::Malformed),
        })
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

/// `month (4) ‖ step (1)`
fn retained(rest: &[u8]) -> Result<Change, EventError> {
    let (month, step) = rest.split_first_chunk::<4>().ok_or(EventError::Malformed)?;
    let step = match step {
        [DUE] => RetentionStep::Due,
        [OVER] => RetentionStep::Ended,
        _ => return Err(EventError::Malformed),
    };
    Ok(Change::Retention { month: Month::from_number(u32::from_be_bytes(*month)), step })
}

/// `length (4) ‖ what it is about ‖ length (4) ‖ payload ‖ length (4) ‖ salt`
fn acted(mut rest: &[u8]) -> Result<Change, EventError> {
    let about = About::read(take(&mut rest)?)?.ok_or(EventError::Malformed)?;
    let row = CalledRow { payload: take(&mut rest)?.to_vec(), salt: take(&mut rest)?.to_vec() };
    if rest.is_empty() { Ok(Change::Acted { about, row }) } else { Err(EventError::Malformed) }
}

/// `organisation's length (4) ‖ organisation ‖ epoch (4) ‖ turn (1)`, and of salts that were sealed anew for each `datum (32) ‖ length (4) ‖ salt`
fn turned(mut rest: &[u8]) -> Result<Change, EventError> {
    let organisation = std::str::from_utf8(take(&mut rest)?).ok().and_then(|text| text.parse().ok());
    let organisation = organisation.ok_or(EventError::Malformed)?;
    let (epoch, rest) = rest.split_first_chunk::<4>().ok_or(EventError::Malformed)?;
    let (turn, mut rest) = rest.split_first().ok_or(EventError::Malformed)?;
    let turn = match *turn {
        BEGUN if rest.is_empty() => Turn::Begun { kept: Kept::Files },
        BEGUN_IN_TOKEN if rest.is_empty() => Turn::Begun { kept: Kept::Token },
        BEGUN_EITHER if rest.is_empty() => Turn::Begun { kept: Kept::Either },
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

/// Appends `length (4) ‖ bytes`. Leaves and payloads are bounded far below 4 GiB before they become events.
pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Takes what has a length off the front.
pub(crate) fn take<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], EventError> {
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
    use proptest::prelude::*;
    use sceau_element_api::ApplicationId;

    proptest! {
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
    }
}
