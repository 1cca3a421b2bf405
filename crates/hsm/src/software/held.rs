//! Private keys in memory.

use sceau_crypto::{
    KeyError, RecipientPrivateKey, RecipientSuite, RsaPrivateKey, RsaSize, Secret, SecretBytes, SigningKey,
    XWingPrivateKey,
};

use crate::{
    error::Error,
    key::{KeyKind, PublicKey},
};

pub(super) enum Held {
    Ed25519(SigningKey),
    Recipient(RecipientPrivateKey),
    Hmac(Secret<32>),
    Aes(Secret<32>),
}

impl Held {
    pub(super) fn generate(kind: KeyKind) -> Result<Self, Error> {
        Ok(match kind {
            KeyKind::Ed25519 => Self::Ed25519(SigningKey::generate()),
            KeyKind::RsaOaep256 => {
                let key = RsaPrivateKey::generate(RsaSize::default())?;
                Self::Recipient(RecipientPrivateKey::Rsa(Box::new(key)))
            }
            KeyKind::HpkeXWing => Self::Recipient(RecipientPrivateKey::XWing(XWingPrivateKey::generate()?)),
            KeyKind::HmacSha256 => Self::Hmac(Secret::random()),
            KeyKind::Aes256Gcm => Self::Aes(Secret::random()),
        })
    }

    /// From what [`Self::to_secret_bytes`] gave.
    pub(super) fn from_secret_bytes(kind: KeyKind, bytes: &[u8]) -> Result<Self, Error> {
        let secret = || Secret::from_slice(bytes).map_err(|_| KeyError::Malformed);
        Ok(match kind {
            KeyKind::Ed25519 => Self::Ed25519(SigningKey::from_seed(secret()?)),
            KeyKind::RsaOaep256 => Self::recipient(RecipientSuite::RsaOaep256, bytes)?,
            KeyKind::HpkeXWing => Self::recipient(RecipientSuite::HpkeXWing, bytes)?,
            KeyKind::HmacSha256 => Self::Hmac(secret()?),
            KeyKind::Aes256Gcm => Self::Aes(secret()?),
        })
    }

    fn recipient(suite: RecipientSuite, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::Recipient(RecipientPrivateKey::from_secret_bytes(suite, bytes)?))
    }

    pub(super) fn to_secret_bytes(&self) -> SecretBytes {
        match self {
            Self::Ed25519(key) => SecretBytes::from(key.seed().expose().as_slice()),
            Self::Recipient(key) => key.to_secret_bytes(),
            Self::Hmac(secret) | Self::Aes(secret) => SecretBytes::from(secret.expose().as_slice()),
        }
    }

    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            Self::Recipient(key) => PublicKey::Recipient(key.recipient_key().clone()),
            Self::Hmac(_) | Self::Aes(_) => PublicKey::None,
        }
    }
}
