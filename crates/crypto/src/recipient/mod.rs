//! Recipient keys, and the CEK wrapped to them (docs/envelope.md, "Recipient suites").

mod encapsulation;
mod oaep;
mod parts;
mod private;
mod rsa;
mod xwing;

pub(crate) use xwing::SystemRandom;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use oaep::oaep_decode;
pub use parts::RsaParts;
pub(crate) use parts::rsa_numbers;
pub use private::RecipientPrivateKey;
pub use rsa::{RsaPrivateKey, RsaSize};
pub use xwing::XWingPrivateKey;

use crate::{Cek, FileId, KeyId, Sha256};

/// How the CEK is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RecipientSuite {
    /// RSAES-OAEP (RFC 8017) with SHA-256, keys of 2,048 to 4,096 bits: what HSMs hold.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// HPKE base mode (RFC 9180) with X-Wing, hybrid and post-quantum. The default.
    #[serde(rename = "HPKE-X-Wing")]
    HpkeXWing,
}

impl RecipientSuite {
    /// Number in envelopes and key ids.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::RsaOaep256 => 1,
            Self::HpkeXWing => 2,
        }
    }

    /// The suite of a number, if it is known.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::RsaOaep256),
            2 => Some(Self::HpkeXWing),
            _ => None,
        }
    }

    /// Name in statements, JSON and pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::HpkeXWing => "HPKE-X-Wing",
        }
    }
}

impl fmt::Display for RecipientSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not the encoding of a key of that kind.
    #[error("these bytes are not a key of that kind in its one encoding: its owner must publish it again")]
    Malformed,
    /// An RSA key of a size that is not accepted.
    #[error("an RSA key of {bits} bits: its owner must make one of 2048 to 4096")]
    RsaSize {
        /// Size of the modulus.
        bits: usize,
    },
    /// The library could not make a key.
    #[error("the key could not be made: try again")]
    Generation,
}

impl KeyError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "key_malformed",
            Self::RsaSize { .. } => "key_size",
            Self::Generation => "key_generation",
        }
    }
}

/// A wrapped CEK does not unwrap: wrapped for another key or file, or altered. One error, so that it is no oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content key does not unwrap: the envelope was altered, or was not made for this key")]
#[non_exhaustive]
pub struct UnwrapError;

impl UnwrapError {
    /// For a provider that is told so by a machine that holds the key.
    #[must_use]
    pub fn refused() -> Self {
        Self
    }

    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "envelope_unwrap"
    }
}

/// The public key of someone who will be able to open an envelope. Checked when it is made.
#[derive(Clone)]
pub struct RecipientKey {
    id: KeyId,
    bytes: Vec<u8>,
    key: PublicKey,
}

#[derive(Clone)]
enum PublicKey {
    Rsa(rsa::PublicKey),
    XWing(Box<xwing::PublicKey>),
}

impl RecipientKey {
    /// Parses a public key: SubjectPublicKeyInfo DER for RSA, 1,216 raw bytes for X-Wing.
    ///
    /// # Errors
    /// [`KeyError`]: malformed, or an RSA key outside 2,048 to 4,096 bits.
    pub fn parse(suite: RecipientSuite, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = match suite {
            RecipientSuite::RsaOaep256 => PublicKey::Rsa(rsa::PublicKey::parse(bytes)?),
            RecipientSuite::HpkeXWing => PublicKey::XWing(Box::new(xwing::PublicKey::parse(bytes)?)),
        };
        Ok(Self { id: key_id(suite, bytes), bytes: bytes.to_vec(), key })
    }

    /// Its suite.
    #[must_use]
    pub fn suite(&self) -> RecipientSuite {
        match self.key {
            PublicKey::Rsa(_) => RecipientSuite::RsaOaep256,
            PublicKey::XWing(_) => RecipientSuite::HpkeXWing,
        }
    }

    /// Its encoding, as it was parsed.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256(suite (2) ‖ public key).
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }
}

impl PartialEq for RecipientKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for RecipientKey {}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientKey({}, {})", self.suite(), self.id)
    }
}

/// A CEK wrapped to one recipient, as an envelope's header carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// Suite number. It may be one that we do not know: other readers of the envelope do.
    pub suite: u16,
    /// Whose it is.
    pub key_id: KeyId,
    /// 1 to 4,096 bytes.
    pub wrapped: Vec<u8>,
}

/// Number of a stanza whose key only the element opens, for whoever may have a datum's key: `docs/envelope.md`.
const DATUM: u16 = 3;

impl Stanza {
    /// A content key as the element wrapped it under a datum's key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless that is 1 to 4,096 bytes.
    pub(crate) fn of_datum(datum: [u8; 32], wrapped: Vec<u8>) -> Result<Self, KeyError> {
        let fits = (1..=crate::envelope::MAX_WRAPPED).contains(&wrapped.len());
        let stanza = Self { suite: DATUM, key_id: KeyId::from_bytes(datum), wrapped };
        if fits { Ok(stanza) } else { Err(KeyError::Malformed) }
    }

    /// The datum under whose key it is, if it is of one.
    #[must_use]
    pub fn datum(&self) -> Option<&[u8; 32]> {
        (self.suite == DATUM).then(|| self.key_id.as_bytes())
    }
}

/// Wraps a content key to one recipient.
#[must_use]
pub fn wrap_cek(recipient: &RecipientKey, file: &FileId, cek: &Cek) -> Stanza {
    let wrapped = match &recipient.key {
        PublicKey::Rsa(key) => key.wrap(cek),
        PublicKey::XWing(key) => key.wrap(file, &recipient.id, cek),
    };
    Stanza { suite: recipient.suite().number(), key_id: recipient.id, wrapped }
}

fn key_id(suite: RecipientSuite, public: &[u8]) -> KeyId {
    let mut hash = Sha256::new();
    hash.update(&suite.number().to_be_bytes());
    hash.update(public);
    KeyId::from_bytes(hash.finish())
}
