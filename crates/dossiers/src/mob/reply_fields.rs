//! The fields of a reply, each name once, before any rule is applied to them.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::ReplyError;

/// Longest reply that is read, in bytes.
pub(super) const LONGEST: usize = 64 * 1024;
/// Longest identifier, in characters.
const LONGEST_ID: usize = 128;

/// A JSON object in which no name stands twice. Names that we do not know are kept, and mean nothing.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        if bytes.len() > LONGEST {
            return Err(ReplyError::malformed("is longer than 64 KiB"));
        }
        serde_json::from_slice(bytes)
            .map_err(|_| ReplyError::malformed("is not a JSON object of distinct names"))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// A text, or none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ReplyError> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ReplyError::rule(name, "is not of a type(s) string")),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, ReplyError> {
        self.text(name)?.ok_or_else(|| ReplyError::rule(name, format!("requires property \"{name}\"")))
    }

    /// An identifier: 1 to 128 characters, none of them invisible.
    pub(super) fn id(&self, name: &str) -> Result<String, ReplyError> {
        let id = self.required(name)?;
        let good = (1..=LONGEST_ID).contains(&id.chars().count()) && !id.chars().any(char::is_control);
        if good { Ok(id.to_owned()) } else { Err(ReplyError::rule(name, "is not an identifier")) }
    }

    /// One of these values, by its place.
    pub(super) fn one_of(&self, name: &str, values: &[&str]) -> Result<usize, ReplyError> {
        let found = self.required(name)?;
        let words = || ReplyError::rule(name, format!("is not one of enum values: {}", values.join(",")));
        values.iter().position(|value| *value == found).ok_or_else(words)
    }

    /// None of these may be there.
    pub(super) fn without(&self, names: &[&str]) -> Result<(), ReplyError> {
        match names.iter().find(|name| self.find(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(ReplyError::rule(
                name,
                format!("is not allowed to have the additional property \"{name}\""),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.len() >= 64 || fields.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom("names must be few and distinct"));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Once)
    }
}
