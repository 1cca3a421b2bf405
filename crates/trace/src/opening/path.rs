use crate::checkpoint::decimal;
use crate::record::MAX_SUBJECTS;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A field of a record that may hold a commitment. In text: `actor.id`, `attested.id`, `subjects.<number>.id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldPath {
    /// The actor's id.
    Actor,
    /// The id of the attested row.
    Attested,
    /// The id of the subject of that number, counted from 0.
    Subject(u8),
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldPath::Actor => f.write_str("actor.id"),
            FieldPath::Attested => f.write_str("attested.id"),
            FieldPath::Subject(at) => write!(f, "subjects.{at}.id"),
        }
    }
}

/// The text is not the path of a field that may hold a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a field that may hold a commitment")]
pub struct NotAPath;

impl FromStr for FieldPath {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        match text {
            "actor.id" => Ok(FieldPath::Actor),
            "attested.id" => Ok(FieldPath::Attested),
            _ => {
                let number = text.strip_prefix("subjects.").and_then(|rest| rest.strip_suffix(".id"));
                let number = number.and_then(decimal).and_then(|number| u8::try_from(number).ok());
                let number = number.filter(|number| usize::from(*number) < MAX_SUBJECTS);
                number.map(FieldPath::Subject).ok_or(NotAPath)
            }
        }
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
