//! An ID token that a call brings along.

use serde::{Deserialize, Deserializer, Serialize};

/// The longest, in characters.
const LONGEST: usize = 16 * 1024;

/// An ID token (OpenID Connect Core 1.0 section 2), compact, as the application had it of its provider. Whoever has it could show it: it is never
/// kept, and not shown.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct IdToken(String);

impl IdToken {
    /// The compact JWS that it should be.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for IdToken {
    type Err = crate::MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=LONGEST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(crate::MalformedId("an ID token of 1 to 16384 characters"))
        }
    }
}

impl<'de> Deserialize<'de> for IdToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdToken(…)")
    }
}
