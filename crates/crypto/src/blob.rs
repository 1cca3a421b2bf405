//! Small secrets sealed at rest under a symmetric key: private keys in a keystore, secret columns.

use crate::aead::{AeadKey, NONCE, TAG};
use crate::{Label, Secret, SecretBytes, hkdf, random};

const VERSION: u8 = 1;
const SALT: usize = 32;

/// A sealed secret, in bytes that may be stored anywhere: `01 ‖ salt (32) ‖ AES-256-GCM ciphertext and tag`.
///
/// Key (32) and nonce (12) are HKDF-SHA-256 of the sealing key, the random salt, and info = label ‖ 00 ‖ context: each blob
/// has a key of its own, so one sealing key may seal any number of them. `context` says which secret this is (its name,
/// its row); a blob moved elsewhere does not open.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBlob(Vec<u8>);

/// A sealed secret cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// Not the bytes of a sealed secret.
    #[error("these bytes are not a sealed secret: the store is damaged, restore it from a backup")]
    Malformed,
    /// Sealed by a later version.
    #[error("sealed in format {0}, which this version does not know: upgrade")]
    Version(u8),
    /// Wrong key, wrong place, or altered bytes.
    #[error(
        "the sealed secret does not open: wrong passphrase or key, or bytes altered or moved in the store"
    )]
    Refused,
}

impl BlobError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "blob_malformed",
            Self::Version(_) => "blob_version",
            Self::Refused => "blob_refused",
        }
    }
}

impl SealedBlob {
    /// Seals `secret` under `key` for one use (`label`) and one place (`context`).
    #[must_use]
    pub fn seal(key: &Secret<32>, label: Label, context: &[u8], secret: &[u8]) -> Self {
        let salt: [u8; SALT] = random();
        let (aead, nonce) = keys(key, label, context, &salt);
        let mut blob = Vec::with_capacity(1 + SALT + secret.len() + TAG);
        blob.push(VERSION);
        blob.extend_from_slice(&salt);
        blob.extend_from_slice(secret);
        #[expect(clippy::expect_used, reason = "AES-GCM only refuses more than 64 GiB")]
        let tag = aead
            .seal(nonce, b"", blob.get_mut(1 + SALT..).unwrap_or_default())
            .expect("the secret is in memory, so shorter than the limit");
        blob.extend_from_slice(&tag);
        Self(blob)
    }

    /// Opens what [`SealedBlob::seal`] made with the same key, label and context.
    ///
    /// # Errors
    /// [`BlobError`]: the bytes, the key or the context is not right.
    pub fn open(&self, key: &Secret<32>, label: Label, context: &[u8]) -> Result<SecretBytes, BlobError> {
        let (head, sealed) = self.0.split_at_checked(1 + SALT).ok_or(BlobError::Malformed)?;
        let salt = head.get(1..).and_then(|salt| salt.try_into().ok()).ok_or(BlobError::Malformed)?;
        let (aead, nonce) = keys(key, label, context, salt);
        let mut secret = SecretBytes::from(sealed);
        let length = aead.open(nonce, b"", secret.expose_mut()).map_err(|_| BlobError::Refused)?.len();
        secret.truncate(length);
        Ok(secret)
    }

    /// Takes stored bytes.
    ///
    /// # Errors
    /// [`BlobError`] when they cannot be a sealed secret.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BlobError> {
        match bytes.first() {
            Some(&VERSION) if bytes.len() > SALT + TAG => Ok(Self(bytes)),
            None | Some(&VERSION) => Err(BlobError::Malformed),
            Some(&version) => Err(BlobError::Version(version)),
        }
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SealedBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedBlob({} bytes)", self.0.len())
    }
}

fn keys(key: &Secret<32>, label: Label, context: &[u8], salt: &[u8; SALT]) -> (AeadKey, [u8; NONCE]) {
    let info: [&[u8]; 3] = [label.as_str().as_bytes(), &[0], context];
    let derived: Secret<{ 32 + NONCE }> = hkdf(key.expose(), salt, &info);
    let (left, right) = derived.expose().split_at(32);
    let aead = Secret::fill_with(|bytes| bytes.copy_from_slice(left));
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(right);
    (AeadKey::new(aead.expose()), nonce)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn opens_with_the_same_key_label_and_context_only() {
        let (key, other) = (Secret::random(), Secret::random());
        let blob = SealedBlob::seal(&key, Label::KeyAtRest, b"root", b"secret");
        assert_eq!(blob.open(&key, Label::KeyAtRest, b"root").unwrap().expose(), b"secret");
        assert_eq!(blob.open(&other, Label::KeyAtRest, b"root"), Err(BlobError::Refused));
        assert_eq!(blob.open(&key, Label::Keystore, b"root"), Err(BlobError::Refused));
        assert_eq!(blob.open(&key, Label::KeyAtRest, b"leaf"), Err(BlobError::Refused));
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let key = Secret::random();
        let blob = SealedBlob::seal(&key, Label::KeyAtRest, b"", b"x");
        for bit in 0..blob.as_bytes().len() * 8 {
            let mut bytes = blob.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let opened =
                SealedBlob::from_bytes(bytes).and_then(|blob| blob.open(&key, Label::KeyAtRest, b""));
            assert!(opened.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn bytes_too_short_or_of_another_version_are_refused() {
        assert_eq!(SealedBlob::from_bytes(vec![]), Err(BlobError::Malformed));
        assert_eq!(SealedBlob::from_bytes(vec![1; 48]), Err(BlobError::Malformed));
        assert_eq!(SealedBlob::from_bytes(vec![2; 90]), Err(BlobError::Version(2)));
    }
}
