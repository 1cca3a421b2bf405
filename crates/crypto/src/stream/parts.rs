//! Cutting a source into parts, knowing which one is the last.

use std::io::{self, ErrorKind, Read};
use std::ops::{Deref, DerefMut, Range};

use crate::envelope::PART;

/// What a buffer first grows to: a small document touches, and wipes, no more memory than it needs.
const FIRST: usize = 64 * 1024;

/// The bytes of one part. It never moves (a move would leave a copy of a plaintext behind) and is wiped when dropped.
pub(super) struct Buffer {
    /// Every byte that was ever used. The capacity is a whole part's from the start.
    bytes: Vec<u8>,
    length: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(PART), length: 0 }
    }

    /// Forgets what it holds; the next bytes overwrite it.
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// Appends what fits into a part, which is all that is ever given.
    pub(super) fn extend_from_slice(&mut self, more: &[u8]) {
        let end = PART.min(self.length + more.len());
        self.touch(end);
        for (to, from) in self.bytes.iter_mut().skip(self.length).zip(more) {
            *to = *from;
        }
        self.length = end;
    }

    /// Appends up to `size` bytes of `source`; fewer only where it ends.
    fn fill(&mut self, source: &mut impl Read, size: usize) -> io::Result<usize> {
        let (start, end) = (self.length, PART.min(self.length + size));
        while self.length < end {
            if self.bytes.len() == self.length {
                self.touch(end.min(FIRST.max(2 * self.length)));
            }
            let until = end.min(self.bytes.len());
            match source.read(self.bytes.get_mut(self.length..until).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => self.length = until.min(self.length + read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.length - start)
    }

    /// Makes the first `end` bytes usable, within the capacity.
    fn touch(&mut self, end: usize) {
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    /// As `zeroize` does, but not byte by byte: wiping a part so would take as long as encrypting it.
    fn drop(&mut self) {
        self.bytes.fill(0);
        zeroize::optimization_barrier(self.bytes.as_slice());
    }
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
    pub(super) fn next(&mut self, buffer: &mut Buffer, size: usize) -> io::Result<bool> {
        let carried = self.carry.take();
        buffer.extend_from_slice(carried.as_slice());
        let wanted = size - usize::from(carried.is_some());
        if buffer.fill(&mut self.source, wanted)? < wanted {
            return Ok(true);
        }
        let mut ahead = Vec::with_capacity(1);
        self.source.by_ref().take(1).read_to_end(&mut ahead)?;
        self.carry = ahead.pop();
        Ok(self.carry.is_none())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    /// A source that gives little at a time, and is interrupted.
    struct Trickle<'a>(&'a [u8], bool);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let length = buffer.len().min(1000);
            self.0.read(buffer.get_mut(..length).unwrap())
        }
    }

    #[test]
    fn a_buffer_never_moves_and_touches_no_more_than_it_needs() {
        let mut buffer = Buffer::new();
        let place = buffer.bytes.as_ptr();
        assert_eq!(buffer.fill(&mut [7; 100].as_slice(), PART).unwrap(), 100);
        assert_eq!(buffer.bytes.len(), FIRST);
        assert_eq!(buffer.fill(&mut vec![8; 2 * PART].as_slice(), 2 * PART).unwrap(), PART - 100);
        buffer.extend_from_slice(&[9]);
        assert_eq!((buffer.len(), buffer.bytes.as_ptr()), (PART, place));
        assert_eq!((buffer.first(), buffer.last()), (Some(&7), Some(&8)));
    }

    #[test]
    fn pieces_are_whole_whatever_the_source_gives_at_a_time() {
        let bytes: Vec<u8> = (0..150_000_u32).map(|i| (i % 251) as u8).collect();
        let mut pieces = Pieces::new(Trickle(&bytes, false));
        let (mut buffer, mut seen, mut last) = (Buffer::new(), Vec::new(), false);
        while !last {
            buffer.clear();
            last = pieces.next(&mut buffer, 70_000).unwrap();
            assert!(last || buffer.len() == 70_000);
            seen.extend_from_slice(&buffer);
        }
        assert!(seen == bytes);
    }
}
