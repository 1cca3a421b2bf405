//! What applications send: a JSON object, read by name, each absence and each other type told in the specification's words. Names of version 1 stand for those of version 2
//! where applications still send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::CscError;
use crate::algorithms::SHA256;
use crate::credentials::TERMINAL;

/// The most hashes of one call.
const MOST: usize = 100;
/// The most values of a body, of whatever kind: a hundred hashes with their labels are five hundred.
const MOST_VALUES: usize = 4_000;

/// A body.
#[derive(Debug, Clone)]
pub(crate) struct Input(Map<String, Value>);

/// Hashes, and beside each what the holder reads of it, where that was said.
pub(crate) type Itemised = (Vec<[u8; 32]>, Vec<Option<String>>);

impl Input {
    pub(crate) fn read(body: &[u8]) -> Result<Self, CscError> {
        // Methods without parameters are called without a body, too.
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        // Before it is read: each takes a hundred times the memory of its text.
        if !has_at_most(MOST_VALUES, body) {
            return Err(CscError::invalid("The body has too many values"));
        }
        let read = serde_json::from_slice(body).map(Self);
        let input = read.map_err(|_| CscError::invalid("The body is not a JSON object"))?;
        input.no_secret().map(|()| input)
    }

    pub(crate) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    /// A member that is large, which is not there afterwards.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// That no secret of the holder's was sent along: whoever asks for one here is not to have it.
    fn no_secret(&self) -> Result<(), CscError> {
        let is_terminal = |one: &Value| {
            let id = one.get("id").and_then(Value::as_str);
            id == Some(TERMINAL) && one.get("value").is_none_or(Value::is_null)
        };
        let only_terminal = match self.get("authData") {
            None => true,
            Some(Value::Array(all)) => all.iter().all(is_terminal),
            Some(_) => false,
        };
        let none = self.get("PIN").is_none() && self.get("OTP").is_none();
        if none && only_terminal { Ok(()) } else { Err(CscError::authentication()) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, CscError> {
        self.get(name).and_then(Value::as_str).ok_or_else(|| CscError::missing("string", name))
    }

    /// A text that may be there.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>, CscError> {
        self.get(name).map(|_| self.text(name)).transpose()
    }

    /// Whether something is asked for.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, CscError> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| CscError::parameter(name));
        self.get(name).map_or(Ok(false), flag)
    }

    /// A whole number that must be there.
    pub(crate) fn number(&self, name: &str) -> Result<i64, CscError> {
        self.get(name).and_then(Value::as_i64).ok_or_else(|| CscError::missing("integer", name))
    }

    /// One of several words; the first one where nothing is said.
    pub(crate) fn word<'a>(&self, name: &str, words: &[&'a str]) -> Result<&'a str, CscError> {
        let wrong = || CscError::parameter(name);
        match self.get(name) {
            None => words.first().copied().ok_or_else(wrong),
            Some(value) => words.iter().copied().find(|word| value == word).ok_or_else(wrong),
        }
    }

    /// Hashes by SHA-256, and that they are: `hashes` and `hashAlgorithmOID`, of version 1 `hash` and `hashAlgo`. An algorithm that is implied elsewhere may be left out.
    pub(crate) fn hashes(&self, algorithm: Implied) -> Result<Vec<[u8; 32]>, CscError> {
        let named = self.get("hashes").or_else(|| self.get("hash"));
        let listed = named.and_then(Value::as_array).ok_or_else(|| CscError::missing("array", "hashes"))?;
        self.hashed_by_sha256(algorithm)?;
        if listed.is_empty() {
            return Err(CscError::invalid("Empty hash array"));
        }
        if listed.len() > MOST {
            return Err(CscError::invalid("Numbers of signatures is too high"));
        }
        listed.iter().map(hash).collect()
    }

    /// The same, or in their place `documentDigests` as rich authorization requests have them: each hash with what the holder reads of it.
    pub(crate) fn itemised(&self) -> Result<Itemised, CscError> {
        let Some(listed) = self.get("documentDigests") else {
            let hashes = self.hashes(Implied::Elsewhere)?;
            let names = vec![None; hashes.len()];
            return Ok((hashes, names));
        };
        let wrong = || CscError::invalid("Invalid object parameter documentDigests");
        let listed = listed.as_array().filter(|all| (1..=MOST).contains(&all.len())).ok_or_else(wrong)?;
        if self.get("hashes").is_some() || self.get("hash").is_some() {
            return Err(wrong());
        }
        self.hashed_by_sha256(Implied::Nowhere)?;
        let read = |one: &Value| {
            let one = Self::of(one.clone()).ok_or_else(wrong)?;
            let label = one.optional("label")?.map(str::to_owned);
            Ok((hash(one.get("hash").ok_or_else(wrong)?)?, label))
        };
        let all: Result<Vec<_>, CscError> = listed.iter().map(read).collect();
        Ok(all?.into_iter().unzip())
    }

    pub(crate) fn hashed_by_sha256(&self, algorithm: Implied) -> Result<(), CscError> {
        let name = if self.get("hashAlgo").is_some() { "hashAlgo" } else { "hashAlgorithmOID" };
        match self.optional(name)? {
            Some(oid) if oid == SHA256 => Ok(()),
            Some(_) => Err(CscError::parameter(name)),
            None if algorithm == Implied::Elsewhere => Ok(()),
            None => Err(CscError::missing("string", name)),
        }
    }
}

/// Whether a text of JSON has no more values than these; nothing is read of it, and it need be none.
fn has_at_most(most: usize, text: &[u8]) -> bool {
    let (mut count, mut is_text, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' | b':' if !is_text => count += 1,
            _ => {}
        }
        if count > most {
            return false;
        }
    }
    true
}

/// Whether the algorithm of hashes is said elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Implied {
    /// By the credential, or by the algorithm of the signature.
    Elsewhere,
    /// It is not.
    Nowhere,
}

/// One hash, in base64.
pub(crate) fn hash(value: &Value) -> Result<[u8; 32], CscError> {
    let wrong = || CscError::invalid("Invalid Base64 hash string parameter");
    let bytes = STANDARD.decode(value.as_str().ok_or_else(wrong)?).map_err(|_| wrong())?;
    bytes.try_into().map_err(|_| CscError::invalid("Invalid digest value length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Option<String> {
        Input::read(body.as_bytes()).err().map(|error| error.words().1.to_owned())
    }

    #[test]
    fn a_body_of_many_values_is_not_read() {
        for many in [r#"{"":0},"#, "0,", "[],", r#""",""#] {
            let body = format!("{{\"x\":[{}0]}}", many.repeat(1 << 20));
            assert_eq!(said(&body).as_deref(), Some("The body has too many values"), "{many}");
        }
        // What is within a text is one value, whatever it looks like.
        let text = format!(r#"{{"document":"{}\"{}"}}"#, "[{,:".repeat(1 << 20), ",".repeat(1 << 20));
        assert_eq!(said(&text), None);
        assert_eq!(said(&format!("{{\"x\":[{}0]}}", "0,".repeat(3_000))), None);
    }

    #[test]
    fn no_body_brings_a_secret() {
        for secret in [
            r#""PIN":"1""#,
            r#""OTP":"1""#,
            r#""authData":[{"id":"terminal","value":"1"}]"#,
            r#""authData":1"#,
        ] {
            assert_eq!(said(&format!("{{{secret}}}")).as_deref(), Some("The authentication data is invalid"));
        }
        assert_eq!(said(r#"{"PIN":null,"authData":[{"id":"terminal"}]}"#), None);
    }
}
