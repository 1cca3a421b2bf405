//! Private keys in memory.

use sceau_crypto::{
    Cek, KeyError, RecipientPrivateKey, RecipientSuite, RsaPrivateKey, RsaSize, Secret, SecretBytes,
    SigningKey, UnwrapError, XWingPrivateKey,
    jose::{
        PublicJwk, Rs256PrivateKey,
        jwe::{self, DecryptionKey as _},
    },
};

use crate::{
    error::Error,
    key::{KeyKind, PublicKey},
};

const SHA1: jwe::KeyAlgorithm = jwe::KeyAlgorithm::DangerRsaOaepSha1;

pub(crate) enum Held {
    Ed25519(SigningKey),
    Recipient(RecipientPrivateKey),
    Hmac(Secret<32>),
    /// Each version, oldest first.
    Aes(Vec<Secret<32>>),
    /// Each version, oldest first.
    Prf(Vec<Secret<32>>),
    Rs256(Rs256PrivateKey),
    /// Of [`KeyKind::DangerRsaOaepSha1`].
    OaepSha1(Box<jwe::PrivateKey>),
}

impl Held {
    pub(crate) fn generate(kind: KeyKind) -> Result<Self, Error> {
        Ok(match kind {
            KeyKind::Ed25519 => Self::Ed25519(SigningKey::generate()),
            KeyKind::RsaOaep256 => {
                let key = RsaPrivateKey::generate(RsaSize::default())?;
                Self::Recipient(RecipientPrivateKey::Rsa(Box::new(key)))
            }
            KeyKind::HpkeXWing => Self::Recipient(RecipientPrivateKey::XWing(XWingPrivateKey::generate()?)),
            KeyKind::HmacSha256 => Self::Hmac(Secret::random()),
            KeyKind::Aes256Gcm => Self::Aes(vec![Secret::random()]),
            KeyKind::PrfHmacSha256 => Self::Prf(vec![Secret::random()]),
            KeyKind::Rs256 => Self::Rs256(Rs256PrivateKey::generate()?),
            KeyKind::DangerRsaOaepSha1 => {
                Self::OaepSha1(Box::new(jwe::PrivateKey::generate(jwe::KeyKind::Rsa, SHA1)?))
            }
            KeyKind::Aes256Kwp => {
                return Err(Error::Unsupported { scheme: "software", operation: kind.as_str() });
            }
        })
    }

    /// From what [`Self::to_secret_bytes`] gave.
    pub(crate) fn from_secret_bytes(kind: KeyKind, bytes: &[u8]) -> Result<Self, Error> {
        let secret = || Secret::from_slice(bytes).map_err(|_| KeyError::Malformed);
        Ok(match kind {
            KeyKind::Ed25519 => Self::Ed25519(SigningKey::from_seed(secret()?)),
            KeyKind::RsaOaep256 => Self::recipient(RecipientSuite::RsaOaep256, bytes)?,
            KeyKind::HpkeXWing => Self::recipient(RecipientSuite::HpkeXWing, bytes)?,
            KeyKind::HmacSha256 => Self::Hmac(secret()?),
            KeyKind::Aes256Gcm => Self::Aes(versions(bytes)?),
            KeyKind::PrfHmacSha256 => Self::Prf(versions(bytes)?),
            KeyKind::Rs256 => Self::Rs256(Rs256PrivateKey::from_pkcs8(bytes)?),
            KeyKind::DangerRsaOaepSha1 => {
                let key = jwe::PrivateKey::from_secret_bytes(jwe::KeyKind::Rsa, SHA1, bytes)?;
                Self::OaepSha1(Box::new(key))
            }
            KeyKind::Aes256Kwp => return Err(KeyError::Malformed.into()),
        })
    }

    fn recipient(suite: RecipientSuite, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::Recipient(RecipientPrivateKey::from_secret_bytes(suite, bytes)?))
    }

    pub(crate) fn to_secret_bytes(&self) -> SecretBytes {
        match self {
            Self::Ed25519(key) => SecretBytes::from(key.seed().expose().as_slice()),
            Self::Recipient(key) => key.to_secret_bytes(),
            Self::Rs256(key) => SecretBytes::from(key.to_pkcs8().expose()),
            Self::OaepSha1(key) => key.to_secret_bytes(),
            Self::Hmac(secret) => SecretBytes::from(secret.expose().as_slice()),
            Self::Aes(versions) | Self::Prf(versions) => {
                // Sized beforehand: a vector that grows leaves copies behind.
                let mut all = Vec::with_capacity(32 * versions.len());
                versions.iter().for_each(|secret| all.extend_from_slice(secret.expose()));
                SecretBytes::new(all)
            }
        }
    }

    /// What it is for.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::Recipient(RecipientPrivateKey::XWing(_)) => KeyKind::HpkeXWing,
            Self::Recipient(_) => KeyKind::RsaOaep256,
            Self::Hmac(_) => KeyKind::HmacSha256,
            Self::Aes(_) => KeyKind::Aes256Gcm,
            Self::Prf(_) => KeyKind::PrfHmacSha256,
            Self::Rs256(_) => KeyKind::Rs256,
            Self::OaepSha1(_) => KeyKind::DangerRsaOaepSha1,
        }
    }

    /// What RSA-OAEP with SHA-1 gives of `wrapped`; none for a key of another kind.
    pub(crate) fn unwrapped_by_sha1(&self, wrapped: &[u8]) -> Option<Result<Cek, UnwrapError>> {
        let Self::OaepSha1(key) = self else { return None };
        let plain = key.decrypt_oaep(wrapped).ok().flatten();
        let cek = plain.and_then(|plain| Cek::from_slice(plain.expose()).ok());
        Some(cek.ok_or_else(UnwrapError::refused))
    }

    /// How many versions it has.
    pub(crate) fn versions(&self) -> usize {
        match self {
            Self::Aes(versions) | Self::Prf(versions) => versions.len(),
            Self::Ed25519(_) | Self::Recipient(_) | Self::Hmac(_) | Self::Rs256(_) | Self::OaepSha1(_) => 1,
        }
    }

    /// The same with a new current version; none for a kind that has one.
    pub(crate) fn rotated(&self) -> Option<Self> {
        let and_one = |versions: &[Secret<32>]| {
            versions.iter().map(Secret::duplicate).chain([Secret::random()]).collect()
        };
        match self {
            Self::Aes(versions) => Some(Self::Aes(and_one(versions))),
            Self::Prf(versions) => Some(Self::Prf(and_one(versions))),
            Self::Ed25519(_) | Self::Recipient(_) | Self::Hmac(_) | Self::Rs256(_) | Self::OaepSha1(_) => {
                None
            }
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            Self::Recipient(key) => PublicKey::Recipient(key.recipient_key().clone()),
            // Of a key that was made or parsed here: it has the size that it must have.
            Self::Rs256(key) => {
                PublicJwk::of_rs256(key.public_key_info()).map_or(PublicKey::None, PublicKey::Rs256)
            }
            Self::OaepSha1(key) => PublicKey::DangerRsaOaepSha1(key.public().jwk().clone()),
            Self::Hmac(_) | Self::Aes(_) | Self::Prf(_) => PublicKey::None,
        }
    }
}

/// One after the other, oldest first.
fn versions(bytes: &[u8]) -> Result<Vec<Secret<32>>, KeyError> {
    if bytes.is_empty() {
        return Err(KeyError::Malformed);
    }
    bytes.chunks(32).map(|one| Secret::from_slice(one).map_err(|_| KeyError::Malformed)).collect()
}
