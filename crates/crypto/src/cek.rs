//! The content key.

use crate::{Label, Secret, SecretLength};

/// Content encryption key: 32 random bytes, one per file version.
#[derive(Debug, PartialEq, Eq)]
pub struct Cek(Secret<32>);

impl Cek {
    /// Draws a new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Secret::random())
    }

    /// Takes a key over.
    #[must_use]
    pub fn from_secret(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// Copies a key out of 32 bytes, which the caller remains responsible for.
    ///
    /// # Errors
    /// [`SecretLength`] unless there are exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SecretLength> {
        Secret::from_slice(bytes).map(Self)
    }

    /// The key itself. Every use is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// A second copy of the key.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The key for one use: HKDF-SHA-256(CEK, empty salt, label).
    pub(crate) fn derive(&self, label: Label) -> Secret<32> {
        label.derive(&self.0)
    }

    /// What the fixed header publishes, so that one envelope opens under one key only.
    pub(crate) fn commitment(&self) -> Secret<32> {
        self.derive(Label::EnvelopeCommit)
    }
}
