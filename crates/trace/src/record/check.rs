use super::{Attested, Outcome, WireRecord};
use crate::{Commitment, RecordError};
use serde::Deserialize;
use std::net::IpAddr;

/// Subjects of one record.
pub(crate) const MAX_SUBJECTS: usize = 64;
const MAX_DETAILS: usize = 32;
/// The largest integer that a browser reads exactly (RFC 8259 §6).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Looks at the version alone, so that a record of a later version is called that rather than malformed.
pub(super) fn version(bytes: &[u8]) -> Result<(), RecordError> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    match serde_json::from_slice::<Version>(bytes) {
        Ok(Version { v: 1 }) => Ok(()),
        Ok(_) => Err(RecordError::UnknownVersion),
        Err(error) => Err(super::malformed(error)),
    }
}

/// Every rule on a record's content. Together they keep out e-mail addresses, names in words, network addresses and any
/// free text: a value is a short token of ASCII letters, digits and a little punctuation.
pub(super) fn fields(wire: &WireRecord) -> Result<(), RecordError> {
    if wire.v != 1 {
        return Err(RecordError::UnknownVersion);
    }
    demand(wire.time <= MAX_INTEGER, "time", "at most 2^53 - 1")?;
    demand(is_id(&wire.actor.id), "actor.id", ID_RULE)?;
    match wire.outcome {
        Outcome::Refused => demand(is_code(&wire.code), "code", CODE_RULE)?,
        _ => demand(wire.code.is_empty(), "code", "empty unless refused")?,
    }
    demand(wire.subjects.len() <= MAX_SUBJECTS, "subjects", "at most 64")?;
    for subject in &wire.subjects {
        demand(is_kind(&subject.kind), "subjects.kind", KIND_RULE)?;
        demand(is_id(&subject.id), "subjects.id", ID_RULE)?;
    }
    if let Some(organisation) = &wire.organisation {
        demand(is_uuid(organisation), "organisation", "a lower-case uuid")?;
    }
    if let Some(attested) = &wire.attested {
        attestation(attested)?;
    }
    demand(wire.detail.len() <= MAX_DETAILS, "detail", "at most 32")?;
    for (name, value) in &wire.detail {
        demand(is_kind(name), "detail name", KIND_RULE)?;
        demand(is_token(value, 256), "detail value", "a token of at most 256 letters, digits and ._:/=+-")?;
    }
    Ok(())
}

fn attestation(attested: &Attested) -> Result<(), RecordError> {
    demand(is_kind(&attested.kind), "attested.kind", KIND_RULE)?;
    demand(is_id(&attested.id), "attested.id", ID_RULE)?;
    let first = attested.previous.is_none();
    demand((1..=MAX_INTEGER).contains(&attested.version), "attested.version", "1 to 2^53 - 1")?;
    demand(first == (attested.version == 1), "attested.previous", "null for version 1 and only then")
}

const ID_RULE: &str = "a token of at most 128 letters, digits and ._:/=+-, or a whole commitment";
const KIND_RULE: &str = "at most 64 of a-z, 0-9, dot, dash and underscore, starting with a letter";
const CODE_RULE: &str =
    "a stable code: at most 64 of a-z, 0-9, dot, dash and underscore, starting with a letter";

fn demand(holds: bool, field: &'static str, rule: &'static str) -> Result<(), RecordError> {
    if holds { Ok(()) } else { Err(RecordError::Field { field, rule }) }
}

pub(crate) fn is_id(text: &str) -> bool {
    let whole = !Commitment::is_claimed_by(text) || Commitment::parse(text).is_some();
    !text.is_empty() && is_token(text, 128) && whole
}

fn is_token(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/=+-".contains(&b))
        && text.parse::<IpAddr>().is_err()
}

fn is_code(text: &str) -> bool {
    is_kind(text)
}

pub(super) fn is_kind(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}
