//! A private key of either suite.

use super::{KeyError, RecipientKey, RecipientSuite, RsaPrivateKey, UnwrapError, XWingPrivateKey};
use crate::{Cek, FileId, Secret, SecretBytes};

/// The private key of a recipient, held in software.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecipientPrivateKey {
    /// RSA-OAEP-256.
    Rsa(Box<RsaPrivateKey>),
    /// HPKE-X-Wing.
    XWing(XWingPrivateKey),
}

impl RecipientPrivateKey {
    /// Parses what [`RecipientPrivateKey::to_secret_bytes`] gave.
    ///
    /// # Errors
    /// [`KeyError`]: not a key of that suite.
    pub fn from_secret_bytes(suite: RecipientSuite, bytes: &[u8]) -> Result<Self, KeyError> {
        match suite {
            RecipientSuite::RsaOaep256 => Ok(Self::Rsa(Box::new(RsaPrivateKey::from_pkcs8(bytes)?))),
            RecipientSuite::HpkeXWing => {
                let seed = Secret::from_slice(bytes).map_err(|_| KeyError::Malformed)?;
                Ok(Self::XWing(XWingPrivateKey::from_seed(seed)?))
            }
        }
    }

    /// The bytes to seal at rest: PKCS#8 DER, or the 32-byte seed.
    #[must_use]
    pub fn to_secret_bytes(&self) -> SecretBytes {
        match self {
            Self::Rsa(key) => SecretBytes::from(key.to_pkcs8().expose()),
            Self::XWing(key) => SecretBytes::from(key.seed().expose().as_slice()),
        }
    }

    /// The public part.
    #[must_use]
    pub fn recipient_key(&self) -> &RecipientKey {
        match self {
            Self::Rsa(key) => key.recipient_key(),
            Self::XWing(key) => key.recipient_key(),
        }
    }

    /// Unwraps a content key that was wrapped to this key for this file.
    ///
    /// # Errors
    /// [`UnwrapError`], whatever the cause.
    pub fn unwrap_cek(&self, file: &FileId, wrapped: &[u8]) -> Result<Cek, UnwrapError> {
        match self {
            Self::Rsa(key) => key.unwrap_cek(wrapped),
            Self::XWing(key) => key.unwrap_cek(file, wrapped),
        }
    }
}
