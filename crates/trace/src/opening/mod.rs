//! Commitments, which the log shows instead of what is personal, and openings, which show what they stand for.
//!
//! A commitment is `hmac:` and the base64url of HMAC-SHA-256(key, "sceau/trace-field" ‖ 00 ‖ path ‖ 00 ‖ value), with 32
//! random bytes as key: without its opening nobody can guess the value, and with it nobody can claim another one. Forget the
//! opening, and the log has forgotten the person, with all of its proofs intact.

mod path;

pub use path::FieldPath;

use crate::label::Label;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

const PREFIX: &str = "hmac:";

/// What a record shows of a field that is not for everyone: `hmac:` and 43 characters of base64url.
#[derive(Clone, Copy)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// The commitment to `value` in the field at `path`.
    pub fn make(key: &CommitmentKey, path: FieldPath, value: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(sign(&key.hmac(), &message(path, value)).as_ref());
        Commitment(bytes)
    }

    /// Reads its one spelling; nothing where the text is not a commitment.
    pub fn parse(text: &str) -> Option<Self> {
        decode(text.strip_prefix(PREFIX)?).map(Commitment)
    }

    /// Whether the opening is this commitment's, in the field at `path`. Takes the same time wherever they differ.
    pub fn opens_with(&self, path: FieldPath, opening: &Opening) -> bool {
        verify(&opening.key.hmac(), &message(path, &opening.value), &self.0).is_ok()
    }

    /// Whether the text starts as commitments do; no id may, unless it is one.
    pub(crate) fn is_claimed_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

/// The key of one commitment: 32 random bytes, drawn for it alone.
#[derive(Clone, PartialEq, Eq)]
pub struct CommitmentKey([u8; 32]);

impl CommitmentKey {
    /// The key of these random bytes.
    pub const fn new(random: [u8; 32]) -> Self {
        CommitmentKey(random)
    }

    fn hmac(&self) -> Key {
        Key::new(HMAC_SHA256, &self.0)
    }
}

impl fmt::Debug for CommitmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentKey(…)")
    }
}

impl Serialize for CommitmentKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for CommitmentKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a commitment's key is 32 bytes in base64url");
        decode(&text).map(CommitmentKey).ok_or_else(wrong)
    }
}

/// What a commitment stands for, and the key that shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The key of the commitment.
    pub key: CommitmentKey,
    /// The id.
    #[serde(deserialize_with = "id")]
    pub value: String,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(…)")
    }
}

/// The openings of one record, each by the path of its field. In JSON: `{"actor.id": {"key": …, "value": …}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Openings(BTreeMap<FieldPath, Opening>);

impl Openings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The opening of a field.
    pub fn get(&self, path: FieldPath) -> Option<&Opening> {
        self.0.get(&path)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (FieldPath, &Opening)> {
        self.0.iter().map(|(path, opening)| (*path, opening))
    }

    /// Adds one; another of the same field is replaced.
    pub fn insert(&mut self, path: FieldPath, opening: Opening) {
        self.0.insert(path, opening);
    }

    /// Keeps those that `show` says may be shown.
    #[must_use]
    pub fn only(mut self, show: impl Fn(FieldPath) -> bool) -> Self {
        self.0.retain(|path, _| show(*path));
        self
    }
}

fn message(path: FieldPath, value: &str) -> Vec<u8> {
    let path = path.to_string();
    [Label::TraceField.text(), &[0], path.as_bytes(), &[0], value.as_bytes()].concat()
}

fn decode(base64url: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(base64url).ok()?.try_into().ok()
}

/// An opened value takes an id's place in a record: it must be one, and not a commitment again.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if crate::record::is_id(&text) && !Commitment::is_claimed_by(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom("an opened value is an id"))
}
