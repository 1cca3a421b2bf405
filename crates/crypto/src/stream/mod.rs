//! Envelopes over `std::io`, of any size in constant memory.
//!
//! The calling thread writes, one thread reads, and a few encrypt or decrypt in place; at most a dozen parts of 1 MiB are
//! in memory. What is written was authenticated first; without a last segment that authenticates as last, an error comes
//! back, and what was written so far must not be taken for the file (write beside, then rename).

mod error;
mod open;
mod parts;
mod pipeline;
mod seal;

use std::num::NonZeroUsize;

pub use error::StreamError;
pub use open::{Opened, open_content, open_stream, read_header};
pub use seal::{Sealed, seal_content, seal_stream};

/// How to go through a stream.
#[derive(Default)]
pub struct StreamOptions<'a> {
    hash: bool,
    workers: Option<NonZeroUsize>,
    progress: Option<&'a mut dyn FnMut(u64)>,
}

impl<'a> StreamOptions<'a> {
    /// No hash, no progress, as many threads as useful.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also computes the envelope hash.
    #[must_use]
    pub fn with_hash(mut self) -> Self {
        self.hash = true;
        self
    }

    /// Encrypts or decrypts on this many threads; otherwise one per processor, four at most.
    #[must_use]
    pub fn with_workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Calls `progress` with the number of plaintext bytes done so far, after each part.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a mut dyn FnMut(u64)) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl std::fmt::Debug for StreamOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamOptions")
            .field("hash", &self.hash)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
