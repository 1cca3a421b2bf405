//! RSA-2048 keys of this profile. They serve nothing else: their ids are drawn under a number of their own.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};

use super::{EncryptionFields, OpenedKeys, Refused, VerifiedManifest};
use crate::pem;
use crate::{KeyError, KeyId, Secret, SecretBytes, Sha256};

const SPKI: &str = "PUBLIC KEY";
const PKCS8: &str = "PRIVATE KEY";
/// Where recipient suites have theirs in a key id (docs/envelope.md), so that no id is of two profiles.
const NUMBER: u16 = 2022;
const BITS: usize = 2048;

/// An organisation's public key, as `PUT /v1/funders/{id}/encryption_key` brings it.
#[derive(Clone)]
pub struct MobPublicKey {
    id: KeyId,
    der: Vec<u8>,
    key: PublicEncryptingKey,
}

impl MobPublicKey {
    /// Parses SubjectPublicKeyInfo in PEM: RSA-2048 in its one encoding.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = pem::decode(SPKI, text)?;
        let key = PublicEncryptingKey::from_der(der.expose()).map_err(|_| KeyError::Malformed)?;
        Self::new(key, der.expose())
    }

    /// The same PEM, in lines of 64 characters.
    #[must_use]
    pub fn to_pem(&self) -> String {
        String::from_utf8_lossy(pem::encode(SPKI, &self.der).expose()).into_owned()
    }

    /// SHA-256(2022 (2) ‖ SubjectPublicKeyInfo).
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn encrypt(&self, secret: &[u8]) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "at most 32 bytes, where RSA-2048 with SHA-1 takes 214")]
        let key = OaepPublicEncryptingKey::new(self.key.clone()).expect("an RSA key, checked when parsed");
        let mut wrapped = vec![0; key.ciphertext_size()];
        #[expect(clippy::expect_used, reason = "at most 32 bytes, where RSA-2048 with SHA-1 takes 214")]
        let length = key
            .encrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut wrapped, None)
            .expect("the secret fits the key")
            .len();
        wrapped.truncate(length);
        wrapped
    }

    fn new(key: PublicEncryptingKey, der: &[u8]) -> Result<Self, KeyError> {
        check_size(key.key_size_bits())?;
        if key.as_der().map_err(|_| KeyError::Malformed)?.as_ref() != der {
            return Err(KeyError::Malformed);
        }
        let mut id = Sha256::new();
        id.update(&NUMBER.to_be_bytes());
        id.update(der);
        Ok(Self { id: KeyId::from_bytes(id.finish()), der: der.to_vec(), key })
    }
}

impl PartialEq for MobPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for MobPublicKey {}

impl fmt::Debug for MobPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MobPublicKey({})", self.id)
    }
}

/// An organisation's private key. `Debug` shows its id only.
pub struct MobPrivateKey {
    key: OaepPrivateDecryptingKey,
    encoded: SecretBytes,
    public: MobPublicKey,
}

impl MobPrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Generation`], which is not expected.
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation)?)
    }

    /// Parses PKCS#8 in PEM, as Transit exports it.
    ///
    /// # Errors
    /// [`KeyError`]: malformed, inconsistent, or not of 2,048 bits.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(pem::decode(PKCS8, text)?.expose())
    }

    /// Parses PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`KeyError`]: malformed, inconsistent, or not of 2,048 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(PrivateDecryptingKey::from_pkcs8(der).map_err(|_| KeyError::Malformed)?)
    }

    /// PKCS#8 DER, to be sealed at rest.
    #[must_use]
    pub fn to_pkcs8(&self) -> &SecretBytes {
        &self.encoded
    }

    /// PKCS#8 in PEM: for an export that the organisation opted into, and nothing else.
    #[must_use]
    pub fn to_pem(&self) -> SecretBytes {
        pem::encode(PKCS8, self.encoded.expose())
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> &MobPublicKey {
        &self.public
    }

    /// Decrypts key and IV of a dossier whose manifest was verified.
    ///
    /// # Errors
    /// [`Refused`]: the manifest is for another key.
    pub fn unlock<'m>(&self, manifest: &'m VerifiedManifest) -> Result<OpenedKeys<'m>, Refused> {
        if manifest.manifest().key != self.public.id {
            return Err(Refused);
        }
        let EncryptionFields { aes_key, iv, .. } = &manifest.manifest().encryption;
        let key = Secret::from_slice(self.decrypt(aes_key)?.expose()).map_err(|_| Refused)?;
        let iv = Secret::from_slice(self.decrypt(iv)?.expose()).map_err(|_| Refused)?;
        Ok(OpenedKeys::new(manifest, key, iv))
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes, Refused> {
        let mut plain = SecretBytes::new(vec![0; self.key.min_output_size()]);
        let length = self
            .key
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, plain.expose_mut(), None)
            .map_err(|_| Refused)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn new(key: PrivateDecryptingKey) -> Result<Self, KeyError> {
        let public = key.public_key();
        let der = public.as_der().map_err(|_| KeyError::Malformed)?;
        let public = MobPublicKey::new(public, der.as_ref())?;
        let encoded = SecretBytes::from(key.as_der().map_err(|_| KeyError::Malformed)?.as_ref());
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Malformed)?;
        Ok(Self { key, encoded, public })
    }
}

impl fmt::Debug for MobPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MobPrivateKey({}, private part redacted)", self.public.id)
    }
}

fn check_size(bits: usize) -> Result<(), KeyError> {
    if bits == BITS { Ok(()) } else { Err(KeyError::RsaSize { bits }) }
}
