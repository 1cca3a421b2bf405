//! Why a stream could not be sealed or opened.

use std::io;

use crate::envelope::{OpenError, SealError};

/// A stream could not be sealed or opened. What was written so far is not the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The source failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// The destination failed.
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    /// The envelope is refused.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The envelope cannot be made.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl StreamError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "stream_read",
            Self::Write(_) => "stream_write",
            Self::Open(error) => error.code(),
            Self::Seal(error) => error.code(),
        }
    }
}
