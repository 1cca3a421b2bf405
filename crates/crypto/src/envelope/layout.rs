//! Where plaintext and parts lie in a stream.

use std::ops::Range;

use super::{OpenError, PART, STREAM_HEADER, SealError, TAG};

const FIRST: u64 = (PART - STREAM_HEADER - TAG) as u64;
const OTHER: u64 = (PART - TAG) as u64;

/// Sizes of one stream: how many parts, and which plaintext each holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLayout {
    plaintext: u64,
    parts: u64,
}

impl StreamLayout {
    /// Plaintext bytes that fill segment `index`.
    #[must_use]
    pub const fn segment_size(index: u32) -> usize {
        if index == 0 { FIRST as usize } else { OTHER as usize }
    }

    /// The layout of a file of `size` bytes.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] above 2^32 parts.
    pub fn of_plaintext(size: u64) -> Result<Self, SealError> {
        let parts = 1 + size.saturating_sub(FIRST).div_ceil(OTHER);
        if parts > 1 << 32 {
            return Err(SealError::TooLarge);
        }
        Ok(Self { plaintext: size, parts })
    }

    /// The layout of a stream of `length` bytes.
    ///
    /// # Errors
    /// [`OpenError::StreamTruncated`] where no stream ends, [`OpenError::StreamTooLong`] above 2^32 parts.
    pub fn of_stream(length: u64) -> Result<Self, OpenError> {
        let parts = length.div_ceil(PART as u64);
        if parts > 1 << 32 {
            return Err(OpenError::StreamTooLong);
        }
        let overhead = STREAM_HEADER as u64 + parts.max(1) * TAG as u64;
        let plaintext = length.checked_sub(overhead).ok_or(OpenError::StreamTruncated)?;
        let layout = Self { plaintext, parts };
        // A last part of a tag alone, or less, would count one part too many.
        if Self::of_plaintext(plaintext).ok() == Some(layout) {
            Ok(layout)
        } else {
            Err(OpenError::StreamTruncated)
        }
    }

    /// Plaintext bytes.
    #[must_use]
    pub fn plaintext(&self) -> u64 {
        self.plaintext
    }

    /// Stream bytes, stream header included.
    #[must_use]
    pub fn stream(&self) -> u64 {
        self.plaintext + STREAM_HEADER as u64 + self.parts * TAG as u64
    }

    /// Number of parts, 1 to 2^32.
    #[must_use]
    pub fn parts(&self) -> u64 {
        self.parts
    }

    /// Whether part `index` is the last.
    #[must_use]
    pub fn is_last(&self, index: u32) -> bool {
        u64::from(index) + 1 == self.parts
    }

    /// Stream bytes of part `index`; empty past the end.
    #[must_use]
    pub fn part_range(&self, index: u32) -> Range<u64> {
        let start = u64::from(index) * PART as u64;
        start.min(self.stream())..(start + PART as u64).min(self.stream())
    }

    /// Plaintext bytes of part `index`; empty past the end.
    #[must_use]
    pub fn plaintext_range(&self, index: u32) -> Range<u64> {
        let start = if index == 0 { 0 } else { FIRST + (u64::from(index) - 1) * OTHER };
        let end = FIRST + u64::from(index) * OTHER;
        start.min(self.plaintext)..end.min(self.plaintext)
    }

    /// The part that holds plaintext byte `offset`; none past the end.
    #[must_use]
    pub fn part_of(&self, offset: u64) -> Option<u32> {
        if offset >= self.plaintext {
            return None;
        }
        let index = if offset < FIRST { 0 } else { 1 + (offset - FIRST) / OTHER };
        u32::try_from(index).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn sizes_at_the_edges() {
        for (plaintext, parts, stream) in [
            (0, 1, 56),
            (1, 1, 57),
            (1_048_520, 1, 1_048_576),
            (1_048_521, 2, 1_048_576 + 17),
            (1_048_520 + 1_048_560, 2, 2_097_152),
            (1_048_520 + 1_048_561, 3, 2_097_152 + 17),
        ] {
            let layout = StreamLayout::of_plaintext(plaintext).unwrap();
            assert_eq!((layout.parts(), layout.stream()), (parts, stream), "{plaintext}");
            assert_eq!(StreamLayout::of_stream(stream).unwrap(), layout);
        }
    }

    #[test]
    fn lengths_where_no_stream_ends_are_refused() {
        for length in [0, 1, 55, 1_048_576 + 1, 1_048_576 + 16, 2_097_152 + 16] {
            assert_eq!(StreamLayout::of_stream(length), Err(OpenError::StreamTruncated), "{length}");
        }
        assert_eq!(StreamLayout::of_stream(u64::MAX), Err(OpenError::StreamTooLong));
        assert_eq!(StreamLayout::of_plaintext(u64::MAX), Err(SealError::TooLarge));
    }

    #[test]
    fn parts_tile_the_stream_and_the_plaintext() {
        for plaintext in [0, 1, 1_048_520, 1_048_521, 3_000_000, 3 * 1_048_560 - 40] {
            let layout = StreamLayout::of_plaintext(plaintext).unwrap();
            let (mut stream, mut text) = (0, 0);
            for index in 0..u32::try_from(layout.parts()).unwrap() {
                assert_eq!(layout.part_range(index).start, stream);
                assert_eq!(layout.plaintext_range(index).start, text);
                stream = layout.part_range(index).end;
                text = layout.plaintext_range(index).end;
                if !layout.plaintext_range(index).is_empty() {
                    assert_eq!(layout.part_of(text - 1), Some(index));
                }
            }
            assert_eq!((stream, text), (layout.stream(), plaintext));
            assert_eq!(layout.part_of(plaintext), None);
        }
    }
}
