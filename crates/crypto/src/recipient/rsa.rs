//! RSA-OAEP-256: RSAES-OAEP (RFC 8017, section 7.1), SHA-256, MGF1 with SHA-256, empty label.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};

use super::{KeyError, RecipientKey, RecipientSuite, UnwrapError};
use crate::{Cek, SecretBytes};

/// Sizes that we make. Parsed keys may have any size from 2,048 to 4,096 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaSize {
    /// 2,048 bits.
    Bits2048,
    /// 3,072 bits.
    #[default]
    Bits3072,
    /// 4,096 bits.
    Bits4096,
}

/// An RSA private key for unwrapping. `Debug` shows its key id only.
pub struct RsaPrivateKey {
    key: OaepPrivateDecryptingKey,
    encoded: SecretBytes,
    recipient: RecipientKey,
}

impl RsaPrivateKey {
    /// Makes a new key. Takes up to seconds.
    ///
    /// # Errors
    /// [`KeyError::Generation`], which is not expected.
    pub fn generate(size: RsaSize) -> Result<Self, KeyError> {
        let size = match size {
            RsaSize::Bits2048 => KeySize::Rsa2048,
            RsaSize::Bits3072 => KeySize::Rsa3072,
            RsaSize::Bits4096 => KeySize::Rsa4096,
        };
        Self::new(PrivateDecryptingKey::generate(size).map_err(|_| KeyError::Generation)?)
    }

    /// Parses a PKCS#8 DER private key (RFC 5958).
    ///
    /// # Errors
    /// [`KeyError`]: malformed, inconsistent, or outside 2,048 to 4,096 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(PrivateDecryptingKey::from_pkcs8(der).map_err(|_| KeyError::Malformed)?)
    }

    /// The PKCS#8 DER encoding, to be sealed at rest.
    #[must_use]
    pub fn to_pkcs8(&self) -> &SecretBytes {
        &self.encoded
    }

    /// The public part.
    #[must_use]
    pub fn recipient_key(&self) -> &RecipientKey {
        &self.recipient
    }

    /// Unwraps a content key.
    ///
    /// # Errors
    /// [`UnwrapError`], whatever the cause.
    pub fn unwrap_cek(&self, wrapped: &[u8]) -> Result<Cek, UnwrapError> {
        Cek::from_slice(self.decrypt(wrapped)?.expose()).map_err(|_| UnwrapError)
    }

    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes, UnwrapError> {
        let mut plain = SecretBytes::new(vec![0; self.key.min_output_size()]);
        let length = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, plain.expose_mut(), None)
            .map_err(|_| UnwrapError)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn new(key: PrivateDecryptingKey) -> Result<Self, KeyError> {
        check_size(key.key_size_bits())?;
        let public = key.public_key().as_der().map_err(|_| KeyError::Malformed)?;
        let recipient = RecipientKey::parse(RecipientSuite::RsaOaep256, public.as_ref())?;
        let encoded = SecretBytes::from(key.as_der().map_err(|_| KeyError::Malformed)?.as_ref());
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Malformed)?;
        Ok(Self { key, encoded, recipient })
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivateKey({}, private part redacted)", self.recipient.key_id())
    }
}

#[derive(Clone)]
pub(super) struct PublicKey(PublicEncryptingKey);

impl PublicKey {
    /// Key ids are computed over the encoding: exactly one is accepted per key.
    pub(super) fn parse(der: &[u8]) -> Result<Self, KeyError> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| KeyError::Malformed)?;
        check_size(key.key_size_bits())?;
        let canonical = key.as_der().map_err(|_| KeyError::Malformed)?;
        if canonical.as_ref() != der {
            return Err(KeyError::Malformed);
        }
        Ok(Self(key))
    }

    pub(super) fn wrap(&self, cek: &Cek) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "32 bytes fit any modulus of 2,048 bits or more")]
        let key = OaepPublicEncryptingKey::new(self.0.clone()).expect("an RSA key, checked when parsed");
        let mut wrapped = vec![0; key.ciphertext_size()];
        #[expect(clippy::expect_used, reason = "32 bytes fit any modulus of 2,048 bits or more")]
        let length = key
            .encrypt(&OAEP_SHA256_MGF1SHA256, cek.expose(), &mut wrapped, None)
            .expect("the CEK fits the key")
            .len();
        wrapped.truncate(length);
        wrapped
    }
}

fn check_size(bits: usize) -> Result<(), KeyError> {
    if (2048..=4096).contains(&bits) { Ok(()) } else { Err(KeyError::RsaSize { bits }) }
}
