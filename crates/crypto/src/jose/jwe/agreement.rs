//! Agreeing on a key: ECDH-ES (RFC 7518 section 4.6, RFC 8037 section 3.2), the Concat KDF, AES key wrap.

use aws_lc_rs::agreement::{self, Algorithm, UnparsedPublicKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};

use super::KeyAlgorithm;
use super::algorithm::A256GCM;
use super::header::Agreed;
use crate::jose::algorithm::{Curve, PublicKey};
use crate::{Secret, Sha256};

/// A wrapped content key: 32 bytes and 8 that prove them (RFC 3394 section 2.2.1).
pub(super) const WRAPPED: usize = 40;

/// The sender's key of one message, as its header has it. That it is a point of its curve, its user checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EphemeralKey {
    /// An uncompressed point of P-256: `04 ‖ x (32) ‖ y (32)`.
    P256([u8; 65]),
    /// A key of X25519 (RFC 7748).
    X25519([u8; 32]),
}

impl EphemeralKey {
    pub(super) fn parts(&self) -> (&'static Algorithm, &[u8]) {
        match self {
            Self::P256(point) => (&agreement::ECDH_P256, point),
            Self::X25519(x) => (&agreement::X25519, x),
        }
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self::P256).or_else(|_| bytes.try_into().map(Self::X25519)).ok()
    }

    /// An ephemeral key for `recipient`, and what it agrees on with it. None for a key that agrees on nothing.
    pub(super) fn agree_with(recipient: &PublicKey) -> Option<(Self, Secret<32>)> {
        let (algorithm, public) = match recipient {
            PublicKey::Ec { curve: Curve::P256, point } => (&agreement::ECDH_P256, point),
            PublicKey::X25519(x) => (&agreement::X25519, x),
            _ => return None,
        };
        let private = agreement::PrivateKey::generate(algorithm).ok()?;
        let ephemeral = Self::from_bytes(private.compute_public_key().ok()?.as_ref())?;
        Some((ephemeral, shared(&private, algorithm, public)?))
    }
}

/// The shared secret Z: the x-coordinate, or the u-coordinate. None unless `public` is a point of the curve that is not of small order.
pub(super) fn shared(
    private: &agreement::PrivateKey,
    algorithm: &'static Algorithm,
    public: &[u8],
) -> Option<Secret<32>> {
    let peer = UnparsedPublicKey::new(algorithm, public);
    agreement::agree(private, peer, (), |z| Secret::from_slice(z).map_err(|_| ())).ok()
}

/// The content key itself, or the one that wraps it.
pub(super) fn derive(algorithm: KeyAlgorithm, z: &Secret<32>, agreed: &Agreed) -> Secret<32> {
    let name = if algorithm == KeyAlgorithm::EcdhEs { A256GCM } else { algorithm.name() };
    concat_kdf(z.expose(), name, &agreed.apu, &agreed.apv)
}

/// The Concat KDF (SP 800-56A section 5.8.1, as RFC 7518 section 4.6.2 uses it) with SHA-256, for up to one block.
pub(super) fn concat_kdf<const N: usize>(z: &[u8], algorithm: &str, apu: &[u8], apv: &[u8]) -> Secret<N> {
    const { assert!(N <= 32, "one block of SHA-256") };
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut hash = Sha256::new();
    hash.update(&1_u32.to_be_bytes());
    hash.update(z);
    for field in [algorithm.as_bytes(), apu, apv] {
        hash.update(&length(field.len()));
        hash.update(field);
    }
    hash.update(&length(N * 8));
    let block = Secret::<32>::fill_with(|block| *block = hash.finish());
    Secret::fill_with(|key| key.iter_mut().zip(block.expose()).for_each(|(to, from)| *to = *from))
}

pub(super) fn wrap(kek: &Secret<32>, cek: &Secret<32>) -> Option<[u8; WRAPPED]> {
    let mut wrapped = [0; WRAPPED];
    AesKek::new(&AES_256, kek.expose()).ok()?.wrap(cek.expose(), &mut wrapped).ok()?;
    Some(wrapped)
}

pub(super) fn unwrap(kek: &Secret<32>, wrapped: &[u8; WRAPPED]) -> Option<Secret<32>> {
    let kek = AesKek::new(&AES_256, kek.expose()).ok()?;
    let mut refused = false;
    let cek = Secret::fill_with(|cek| refused = kek.unwrap(wrapped, cek).is_err());
    (!refused).then_some(cek)
}
