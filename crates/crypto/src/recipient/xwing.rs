//! HPKE-X-Wing: HPKE base mode (RFC 9180), KEM 0x647A, HKDF-SHA-256, AES-256-GCM, empty associated data.

use std::convert::Infallible;
use std::fmt;

use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing};
use hpke::{single_shot_open, single_shot_seal_with_rng};

use super::encapsulation::{Expanded, XWingHeld};
use super::{KeyError, RecipientKey, RecipientSuite, UnwrapError};
use crate::{Cek, FileId, KeyId, Label, Secret, SecretBytes, primitives};

type Kem = <XWing as hpke::Kem>::PublicKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

/// Bytes of `enc`.
const ENC: usize = 1120;

/// An X-Wing private key for unwrapping: a 32-byte seed. `Debug` shows its key id only.
pub struct XWingPrivateKey {
    seed: Secret<32>,
    /// What the seed gives, once: it costs more than an unwrapping. AWS-LC wipes it when it is dropped.
    expanded: Expanded,
    recipient: RecipientKey,
}

impl XWingPrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError`], which is not expected.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_seed(Secret::random())
    }

    /// The key of a seed (X-Wing, `expandDecapsulationKey`).
    ///
    /// # Errors
    /// [`KeyError`], which is not expected.
    pub fn from_seed(seed: Secret<32>) -> Result<Self, KeyError> {
        let expanded = Expanded::of_seed(&seed).ok_or(KeyError::Malformed)?;
        let recipient = RecipientKey::parse(RecipientSuite::HpkeXWing, expanded.public())?;
        Ok(Self { seed, expanded, recipient })
    }

    /// The seed, to be sealed at rest.
    #[must_use]
    pub fn seed(&self) -> &Secret<32> {
        &self.seed
    }

    /// The public part.
    #[must_use]
    pub fn recipient_key(&self) -> &RecipientKey {
        &self.recipient
    }

    /// Unwraps a content key that was wrapped to this key for this file.
    ///
    /// # Errors
    /// [`UnwrapError`], whatever the cause.
    pub fn unwrap_cek(&self, file: &FileId, wrapped: &[u8]) -> Result<Cek, UnwrapError> {
        let (enc, ciphertext) = wrapped.split_at_checked(ENC).ok_or(UnwrapError)?;
        let enc = EncappedKey::from_bytes(enc).map_err(|_| UnwrapError)?;
        let info = info(file, &self.recipient.key_id());
        let plain = single_shot_open::<AesGcm256, HkdfSha256, XWingHeld>(
            &OpModeR::Base,
            &self.expanded,
            &enc,
            &info,
            ciphertext,
            b"",
        )
        .map_err(|_| UnwrapError)?;
        let plain = SecretBytes::new(plain);
        Cek::from_slice(plain.expose()).map_err(|_| UnwrapError)
    }
}

impl fmt::Debug for XWingPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XWingPrivateKey({}, private part redacted)", self.recipient.key_id())
    }
}

#[derive(Clone)]
pub(super) struct PublicKey(Kem);

impl PublicKey {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        Kem::from_bytes(bytes).map(Self).map_err(|_| KeyError::Malformed)
    }

    pub(super) fn wrap(&self, file: &FileId, id: &KeyId, cek: &Cek) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "encapsulating to a checked key and one AES-GCM message cannot fail"
        )]
        let (enc, ciphertext) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWingHeld>(
            &OpModeS::Base,
            &self.0,
            &info(file, id),
            cek.expose(),
            b"",
            &mut SystemRandom,
        )
        .expect("a checked key");
        let mut wrapped = enc.to_bytes().to_vec();
        wrapped.extend_from_slice(&ciphertext);
        wrapped
    }
}

fn info(file: &FileId, id: &KeyId) -> Vec<u8> {
    [Label::EnvelopeHpke.as_str().as_bytes(), file.as_ref(), id.as_ref()].concat()
}

/// AWS-LC's generator, for crates that ask for one of their own kind.
pub(crate) struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes(primitives::random()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes(primitives::random()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        primitives::fill_random(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
