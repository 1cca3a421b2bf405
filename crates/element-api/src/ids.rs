//! Typed identifiers: UUIDs that cannot be taken for one another, and row ids.

use std::fmt;
use std::str::FromStr;

use sceau_trace::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not the identifier that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} expected")]
pub struct MalformedId(pub &'static str);

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Draws a new random identifier (UUID version 4).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// Its 16 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse_uuid(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<$name> for RowId {
            fn from(id: $name) -> Self {
                RowId(id.to_string())
            }
        }
    )+};
}

typed_ids! {
    /// A person's account.
    AccountId,
    /// A recipient organisation.
    OrganisationId,
    /// A scheme that an organisation publishes.
    SchemeId,
    /// A dossier: one deposit by one person to one scheme.
    DossierId,
    /// An application of an organisation.
    ApplicationId,
    /// An act of administrators or data officers on data.
    ActId,
    /// A keyring.
    KeyringId,
    /// A policy of keyrings.
    PolicyId,
    /// A terminal of a keyring.
    TerminalId,
    /// What a service provider asks a holder for.
    KeyringRequestId,
    /// Somebody who acts on keyrings of an organisation.
    KeyringActorId,
}

impl KeyringActorId {
    /// As who a holder asks something of their own keyring.
    #[must_use]
    pub fn of_holder(keyring: KeyringId) -> Self {
        Self(keyring.0)
    }
}

/// The longest row identifier, in bytes.
pub const MAX_ROW_ID: usize = 128;

/// The identifier of an attested row within its kind: 1 to 128 of `A-Z a-z 0-9 . _ : / = + -`, so that a trace record can name it.
///
/// What it is for each kind is said by [`crate::documents::Document::row`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RowId(String);

impl RowId {
    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `<self>/<suffix>`, for a row that belongs to another; the caller gives a short word.
    pub(crate) fn with_suffix(self, suffix: &'static str) -> Self {
        Self(format!("{}/{suffix}", self.0))
    }

    /// The only row of a kind, named by a word that the caller gives.
    pub(crate) fn of_word(word: &'static str) -> Self {
        Self(word.to_owned())
    }

    /// The row of 32 bytes, base64url.
    pub(crate) fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self(crate::Base64Url::from(bytes.as_slice()).encode())
    }

    /// The row of a hash, in hex.
    pub(crate) fn of_hash(hash: Hash) -> Self {
        Self(hash.to_string())
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RowId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let token = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/=+-".contains(&b));
        if token && !text.is_empty() && text.len() <= MAX_ROW_ID {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedId("a row id of 1 to 128 letters, digits and ._:/=+-"))
        }
    }
}

impl<'de> Deserialize<'de> for RowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn parse_uuid(text: &str) -> Result<Uuid, MalformedId> {
    // One spelling only: two spellings of one id would be two rows.
    let uuid = Uuid::try_parse(text).map_err(|_| MalformedId("a UUID"))?;
    if uuid.as_hyphenated().to_string() == text {
        Ok(uuid)
    } else {
        Err(MalformedId("a UUID in lower case with hyphens"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";
        assert_eq!(text.parse::<AccountId>().unwrap().to_string(), text);
        assert!(text.to_uppercase().parse::<AccountId>().is_err());
        assert!(text.replace('-', "").parse::<AccountId>().is_err());
        assert!(format!("{{{text}}}").parse::<AccountId>().is_err());
    }

    #[test]
    fn a_row_id_is_a_bounded_token() {
        assert!("".parse::<RowId>().is_err());
        assert!("a b".parse::<RowId>().is_err());
        assert!("é".parse::<RowId>().is_err());
        assert!("x".repeat(MAX_ROW_ID).parse::<RowId>().is_ok());
        assert!("x".repeat(MAX_ROW_ID + 1).parse::<RowId>().is_err());
    }
}
