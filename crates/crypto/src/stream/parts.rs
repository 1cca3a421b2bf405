//! Cutting a source into parts, knowing which one is the last.

use std::io::{self, Read};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::envelope::PART;

/// A buffer that never grows (growing would leave a copy of a plaintext behind) and is wiped when dropped.
pub(super) type Buffer = Zeroizing<Vec<u8>>;

pub(super) fn buffer() -> Buffer {
    Zeroizing::new(Vec::with_capacity(PART))
}

/// A part on its way through the pipeline.
pub(super) struct Part {
    pub(super) index: u32,
    pub(super) last: bool,
    pub(super) bytes: Buffer,
    /// What of `bytes` is to be written, once the part is done.
    pub(super) output: Range<usize>,
    /// Plaintext bytes in this part.
    pub(super) plaintext: usize,
    /// SHA-256 of the part as it lies in the envelope, if asked for.
    pub(super) hash: Option<[u8; 32]>,
}

/// Reads pieces of known size; a piece is the last when the source ends with it.
pub(super) struct Pieces<R> {
    source: R,
    /// The byte that told that the previous piece was not the last.
    carry: Option<u8>,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, carry: None }
    }

    /// Appends up to `size` (at least 1) bytes to `buffer`; tells whether the source ended.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        let carried = self.carry.take();
        buffer.extend(carried);
        let wanted = size - usize::from(carried.is_some());
        let read = self.source.by_ref().take(wanted as u64).read_to_end(buffer)?;
        if read < wanted {
            return Ok(true);
        }
        let mut ahead = Vec::with_capacity(1);
        self.source.by_ref().take(1).read_to_end(&mut ahead)?;
        self.carry = ahead.pop();
        Ok(self.carry.is_none())
    }
}
