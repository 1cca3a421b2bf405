//! Memory that holds secrets: boxed (so that a move copies a pointer, not the secret), zeroized, redacted.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of exactly `N` bytes. Zeroized when dropped; equality takes constant time; `Debug` shows its size only.
///
/// Not `Clone`: a copy is made on purpose, with [`Secret::duplicate`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>(Box<[u8; N]>);

/// A secret was expected to have another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of {expected} bytes was expected and {found} bytes came")]
pub struct SecretLength {
    /// Bytes that the type holds.
    pub expected: usize,
    /// Bytes that were given.
    pub found: usize,
}

impl<const N: usize> Secret<N> {
    /// Draws `N` bytes from the operating system's generator.
    #[must_use]
    pub fn random() -> Self {
        Self::fill_with(|bytes| crate::primitives::fill_random(bytes))
    }

    /// Lets `fill` write the secret where it will stay, so that no copy is left behind.
    #[must_use]
    pub fn fill_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// Copies a secret out of `bytes`, which the caller remains responsible for.
    ///
    /// # Errors
    /// [`SecretLength`] unless there are exactly `N` bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SecretLength> {
        if bytes.len() != N {
            return Err(SecretLength { expected: N, found: bytes.len() });
        }
        Ok(Self::fill_with(|secret| secret.copy_from_slice(bytes)))
    }

    /// The bytes themselves. Every use is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// A second copy of the secret.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::fill_with(|secret| secret.copy_from_slice(&*self.0))
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({N} bytes, redacted)")
    }
}

/// A secret of any length: an encoded private key, a plaintext. The same care as [`Secret`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over. The vector must not have been reallocated with the secret in it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Every use is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Keeps the first `length` bytes and wipes the others.
    pub(crate) fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            rest.zeroize();
        }
        self.0.truncate(length);
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes, redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn debug_shows_no_byte_of_a_secret() {
        let secret = Secret::<4>::from_slice(&[0xAB, 0xCD, 171, 205]).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(4 bytes, redacted)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![0xAB; 3])), "SecretBytes(3 bytes, redacted)");
    }

    #[test]
    fn length_is_checked() {
        assert_eq!(Secret::<4>::from_slice(&[1; 5]), Err(SecretLength { expected: 4, found: 5 }));
    }

    #[test]
    fn random_secrets_differ() {
        assert_ne!(Secret::<32>::random(), Secret::<32>::random());
    }

    #[test]
    fn zeroizing_clears_every_byte() {
        let mut secret = Secret::<32>::fill_with(|bytes| bytes.fill(7));
        secret.zeroize();
        assert_eq!(secret.expose(), &[0; 32]);
    }
}
