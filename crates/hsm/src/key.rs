//! Keys as everyone outside sees them: what they are, where they are, never what they are made of.

use std::{fmt, str::FromStr};

use sceau_crypto::{RecipientKey, RecipientSuite, VerifyingKey, jose::PublicJwk};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What a key is for. One key, one purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KeyKind {
    /// Signs with Ed25519 (RFC 8032).
    Ed25519,
    /// Unwraps content keys wrapped with RSA-OAEP and SHA-256; 3,072 bits.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// Unwraps content keys wrapped with HPKE and X-Wing.
    #[serde(rename = "HPKE-X-Wing")]
    HpkeXWing,
    /// Authenticates with HMAC-SHA-256.
    #[serde(rename = "HMAC-SHA-256")]
    HmacSha256,
    /// Seals secrets with AES-256-GCM.
    #[serde(rename = "AES-256-GCM")]
    Aes256Gcm,
    /// A master: derives keys, with HMAC-SHA-256 as the pseudorandom function (PRF).
    #[serde(rename = "PRF-HMAC-SHA-256")]
    PrfHmacSha256,
    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256, for readers that know no other algorithm; 3,072 bits.
    #[serde(rename = "RS256")]
    Rs256,
    /// Unwraps content keys wrapped with RSA-OAEP and SHA-1, for senders that know no other algorithm; 3,072 bits. It never is a key of
    /// [`Self::RsaOaep256`], nor a recipient of envelopes.
    #[serde(rename = "RSA-OAEP")]
    DangerRsaOaepSha1,
    /// Takes keys of holders out of a token, wrapped (AES key wrap with padding, RFC 5649; 256 bits), and in again. In tokens alone, which make it for
    /// [`crate::HolderKeys`].
    #[serde(rename = "AES-256-KWP")]
    Aes256Kwp,
}

impl KeyKind {
    /// Every kind that files hold.
    pub const ALL: [Self; 8] = [
        Self::Ed25519,
        Self::RsaOaep256,
        Self::HpkeXWing,
        Self::HmacSha256,
        Self::Aes256Gcm,
        Self::PrfHmacSha256,
        Self::Rs256,
        Self::DangerRsaOaepSha1,
    ];

    /// Its name, as written in files and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::HpkeXWing => "HPKE-X-Wing",
            Self::HmacSha256 => "HMAC-SHA-256",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::PrfHmacSha256 => "PRF-HMAC-SHA-256",
            Self::Rs256 => "RS256",
            Self::DangerRsaOaepSha1 => "RSA-OAEP",
            Self::Aes256Kwp => "AES-256-KWP",
        }
    }

    /// The kind of key that a recipient suite needs.
    pub fn for_suite(suite: RecipientSuite) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.recipient_suite() == Some(suite))
    }

    /// The suite of a recipient key.
    pub fn recipient_suite(self) -> Option<RecipientSuite> {
        match self {
            Self::RsaOaep256 => Some(RecipientSuite::RsaOaep256),
            Self::HpkeXWing => Some(RecipientSuite::HpkeXWing),
            Self::Ed25519
            | Self::HmacSha256
            | Self::Aes256Gcm
            | Self::PrfHmacSha256
            | Self::Rs256
            | Self::DangerRsaOaepSha1
            | Self::Aes256Kwp => None,
        }
    }

    /// Whether a key of it may have several versions: those that opened or derived what is kept. A tag or a signature made anew under another
    /// version would be another, so that other keys change with whoever relies on them.
    pub fn rotates(self) -> bool {
        matches!(self, Self::Aes256Gcm | Self::PrfHmacSha256)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a key may be used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyState {
    /// It may.
    Active,
    /// Not now; reversible.
    Disabled,
}

/// Which version of a key: the first is 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyVersion(u32);

impl KeyVersion {
    /// The version that a key begins with.
    pub const FIRST: Self = Self(1);

    /// As it was stored; none for zero.
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// To store it beside what it derived.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Of the last of so many versions.
    pub(crate) fn last_of(versions: usize) -> Self {
        Self(u32::try_from(versions).unwrap_or(u32::MAX))
    }

    /// Its place in a list of versions, oldest first.
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0.saturating_sub(1)).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a key within a provider: 1 to 100 of `a-z`, `0-9`, `-`, `_` and `.`, the first a letter or digit.
/// It is also the name of a file.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyLabel(String);

impl KeyLabel {
    /// Takes a label.
    ///
    /// # Errors
    /// [`Error::BadLabel`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let fits = text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
        if starts && fits { Ok(Self(text.to_owned())) } else { Err(Error::BadLabel(text.to_owned())) }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyLabel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<String> for KeyLabel {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(&text)
    }
}

impl From<KeyLabel> for String {
    fn from(label: KeyLabel) -> Self {
        label.0
    }
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a key is: `<provider>:<label>`, for instance `software:organisation-root`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyUri {
    scheme: String,
    label: KeyLabel,
}

impl KeyUri {
    pub(crate) fn new(scheme: &str, label: KeyLabel) -> Self {
        Self { scheme: scheme.to_owned(), label }
    }

    /// Which provider: `software`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Which key within it.
    pub fn label(&self) -> &KeyLabel {
        &self.label
    }
}

impl FromStr for KeyUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some((scheme, label)) if !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_lowercase()) => {
                Ok(Self::new(scheme, KeyLabel::new(label)?))
            }
            _ => Err(Error::BadUri(text.to_owned())),
        }
    }
}

impl TryFrom<String> for KeyUri {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<KeyUri> for String {
    fn from(uri: KeyUri) -> Self {
        uri.to_string()
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, self.label)
    }
}

/// A key that a provider has shown to exist: only providers make one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyRef {
    uri: KeyUri,
    kind: KeyKind,
}

impl KeyRef {
    pub(crate) fn new(uri: KeyUri, kind: KeyKind) -> Self {
        Self { uri, kind }
    }

    /// Its address, to be kept in configuration or a database and looked up again with [`crate::Provider::find`].
    pub fn uri(&self) -> &KeyUri {
        &self.uri
    }

    /// Its label.
    pub fn label(&self) -> &KeyLabel {
        &self.uri.label
    }

    /// What it is for.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// A key as listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyEntry {
    /// The key.
    pub key: KeyRef,
    /// Whether it may be used.
    pub state: KeyState,
    /// When it was made, unix milliseconds, as the caller of `generate` said.
    pub created: u64,
    /// Its current version.
    pub version: KeyVersion,
}

/// The public part of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PublicKey {
    /// Of a signing key.
    Ed25519(VerifyingKey),
    /// Of a recipient key.
    Recipient(RecipientKey),
    /// Of an RSA key that signs.
    Rs256(PublicJwk),
    /// Of an RSA key that unwraps by RSA-OAEP with SHA-1.
    DangerRsaOaepSha1(PublicJwk),
    /// Symmetric keys have none.
    None,
}
