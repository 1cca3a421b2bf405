//! Names in calls and in what is said of data.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Base64Url, RowId};

/// A datum: 32 random bytes, base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatumId([u8; 32]);

impl DatumId {
    /// Draws a new one.
    #[must_use]
    pub fn random() -> Self {
        Self(sceau_crypto::random())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for DatumId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Base64Url::from(self.0.as_slice()).encode())
    }
}

impl From<[u8; 32]> for DatumId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<DatumId> for RowId {
    fn from(id: DatumId) -> Self {
        RowId::of_bytes(&id.0)
    }
}

impl Serialize for DatumId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DatumId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Base64Url::deserialize(deserializer)?;
        let bytes = bytes.0.try_into();
        bytes.map(Self).map_err(|_| serde::de::Error::custom("32 bytes in base64url expected"))
    }
}

/// A user or a group, in the application's words: 1 to 96 bytes without control characters. It is personal data.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// From what a record has of it.
    ///
    /// # Errors
    /// When that is not what [`UserId::token`] gave.
    pub fn of_token(token: &str) -> Result<Self, crate::MalformedId> {
        let text = Base64Url::decode(token).ok().and_then(|bytes| String::from_utf8(bytes.0).ok());
        text.ok_or(crate::MalformedId("base64url of a user's name"))?.parse()
    }

    /// The application's words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a record has of it, before it is committed: base64url of the words.
    #[must_use]
    pub fn token(&self) -> String {
        Base64Url::from(self.0.as_bytes()).encode()
    }
}

impl std::str::FromStr for UserId {
    type Err = crate::MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = !text.chars().any(char::is_control) && text.trim() == text;
        if plain && (1..=96).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(crate::MalformedId("1 to 96 bytes, without control characters and spaces around,"))
        }
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Debug for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserId(…)")
    }
}

/// For whom an authorisation is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// A user of the application.
    User(UserId),
    /// All users that the application says are of a group.
    Group(UserId),
}

impl Grantee {
    /// Which of the two.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &UserId {
        match self {
            Self::User(name) | Self::Group(name) => name,
        }
    }
}

pub(crate) fn is_datum_name(text: &str) -> bool {
    text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

pub(crate) fn are_tags(tags: &[String]) -> bool {
    let tag = |tag: &String| {
        let length = tag.chars().count();
        (1..=64).contains(&length) && !tag.chars().any(char::is_control)
    };
    tags.len() <= 32 && tags.iter().all(tag)
}
