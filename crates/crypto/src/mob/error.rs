//! Why nothing came out. The reader learns one thing only.

/// Not what the manifest's signer sealed for this key: another signer, dossier or key, altered bytes, a missing manifest. One error
/// for all, so that who sends altered bytes learns nothing from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this file is not what its signed manifest names: it was altered, or is not for this key; ask its sender again"
)]
#[non_exhaustive]
pub struct Refused;

impl Refused {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "mob_refused"
    }
}

/// A file was not opened. What was written so far is not the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MobOpenError {
    /// Not what was sealed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The ciphertext could not be read.
    #[error("the sealed file cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// The plaintext could not be written.
    #[error("the opened file cannot be written: {0}")]
    Write(#[source] std::io::Error),
}

impl MobOpenError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Read(_) => "mob_read",
            Self::Write(_) => "mob_write",
        }
    }
}
