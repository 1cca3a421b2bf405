//! How much one document may cost: whatever a small one names again and again, it ends.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::error::PdfError;

/// What any document may cost, and what each of its bytes adds to that.
const ANY: u64 = 1 << 30;
const FOR_EACH_BYTE: u64 = 64;
/// What is parsed costs so much more than what is read or unpacked.
const PARSED: u64 = 4;
/// What looking something up costs, however short it is.
const LOOKED_UP: u64 = 64;

/// What is left to be spent, by all versions of a document together.
#[derive(Clone, Debug)]
pub(crate) struct Work(Arc<AtomicU64>);

impl Work {
    /// On a document of so many bytes.
    pub(crate) fn on(size: u64) -> Self {
        Self(Arc::new(AtomicU64::new(ANY.saturating_add(size.saturating_mul(FOR_EACH_BYTE)))))
    }

    /// These bytes were read, or unpacked.
    pub(crate) fn read(&self, bytes: usize) -> Result<(), PdfError> {
        self.spend(bytes as u64)
    }

    /// These bytes were parsed.
    pub(crate) fn parsed(&self, bytes: usize) -> Result<(), PdfError> {
        self.spend(LOOKED_UP.saturating_add((bytes as u64).saturating_mul(PARSED)))
    }

    fn spend(&self, cost: u64) -> Result<(), PdfError> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost));
        left.map(|_| ()).map_err(|_| {
            PdfError::TooMuch("it names the same again and again, and looking at it would not end")
        })
    }
}
