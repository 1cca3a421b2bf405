//! The content stream, segment by segment and in place: Tink's AES256_GCM_HKDF_1MB, byte for byte.

use super::{FixedHeader, OpenError, STREAM_HEADER, SealError, StreamLayout, TAG};
use crate::aead::{AeadKey, NONCE};
use crate::{Cek, Secret, hkdf};

/// Key and nonces of one stream. It could seal a nonce twice: it stays inside the crate.
pub(crate) struct StreamKey {
    aead: AeadKey,
    header: [u8; STREAM_HEADER],
}

impl StreamKey {
    pub(super) fn new(cek: &Cek, fixed: &FixedHeader, salt: &[u8; 32], nonce_prefix: &[u8; 7]) -> Self {
        let mut header = [0; STREAM_HEADER];
        let (length, rest) = header.split_at_mut(1);
        length.copy_from_slice(&[40]);
        let (into_salt, into_prefix) = rest.split_at_mut(32);
        into_salt.copy_from_slice(salt);
        into_prefix.copy_from_slice(nonce_prefix);
        let key: Secret<32> = hkdf(cek.expose(), salt, &[&fixed.associated_data()]);
        Self { aead: AeadKey::new(key.expose()), header }
    }

    pub(super) fn parse(
        cek: &Cek,
        fixed: &FixedHeader,
        header: &[u8; STREAM_HEADER],
    ) -> Result<Self, OpenError> {
        let (salt, prefix) = header[1..].split_first_chunk().ok_or(OpenError::StreamHeader)?;
        let prefix = prefix.first_chunk().ok_or(OpenError::StreamHeader)?;
        if header[0] != 40 {
            return Err(OpenError::StreamHeader);
        }
        Ok(Self::new(cek, fixed, salt, prefix))
    }

    pub(crate) fn header(&self) -> &[u8; STREAM_HEADER] {
        &self.header
    }

    /// Encrypts in place; the tag goes after the text. The caller never seals two texts under one index.
    pub(crate) fn seal(&self, index: u32, last: bool, text: &mut [u8]) -> Result<[u8; TAG], SealError> {
        if !check_size(index, last, text.len()) {
            return Err(SealError::SegmentSize);
        }
        self.aead.seal(self.nonce(index, last), b"", text).map_err(|_| SealError::SegmentSize)
    }

    /// Verifies and decrypts in place: the plaintext is what comes back. On error the buffer is wiped.
    pub(crate) fn open<'a>(
        &self,
        index: u32,
        last: bool,
        segment: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        let Some(size) = segment.len().checked_sub(TAG) else {
            return Err(OpenError::StreamTruncated);
        };
        if !check_size(index, last, size) {
            let too_long = size > StreamLayout::segment_size(index);
            return Err(if too_long { OpenError::StreamTooLong } else { OpenError::StreamTruncated });
        }
        self.aead.open(self.nonce(index, last), b"", segment).map_err(|_| OpenError::Segment { index })
    }

    fn nonce(&self, index: u32, last: bool) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        let (prefix, rest) = nonce.split_at_mut(7);
        let (number, flag) = rest.split_at_mut(4);
        prefix.copy_from_slice(&self.header[33..]);
        number.copy_from_slice(&index.to_be_bytes());
        flag.copy_from_slice(&[u8::from(last)]);
        nonce
    }
}

impl std::fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamKey(redacted)")
    }
}

/// Full unless last; not empty unless the only one.
fn check_size(index: u32, last: bool, size: usize) -> bool {
    let full = StreamLayout::segment_size(index);
    if last { size <= full && (index == 0 || size > 0) } else { size == full }
}

/// Seals the segments of one envelope in order. Each is sealed once: no nonce comes twice.
#[derive(Debug)]
pub struct Sealer {
    stream: StreamKey,
    next: Option<u32>,
    finished: bool,
}

impl Sealer {
    pub(super) fn new(stream: StreamKey) -> Self {
        Self { stream, next: Some(0), finished: false }
    }

    /// The 40 bytes that come before segment 0.
    #[must_use]
    pub fn stream_header(&self) -> &[u8; STREAM_HEADER] {
        self.stream.header()
    }

    /// Plaintext bytes that fill the next segment.
    #[must_use]
    pub fn segment_size(&self) -> usize {
        StreamLayout::segment_size(self.next.unwrap_or(u32::MAX))
    }

    /// Encrypts the next segment in place and returns its tag, which follows it. Full unless `last`; empty only if the
    /// whole file is.
    ///
    /// # Errors
    /// [`SealError::SegmentSize`], [`SealError::Finished`], [`SealError::TooLarge`].
    pub fn seal_segment(&mut self, text: &mut [u8], last: bool) -> Result<[u8; TAG], SealError> {
        let index = self.next_index()?.ok_or(SealError::TooLarge)?;
        let tag = self.stream.seal(index, last, text)?;
        self.next = index.checked_add(1);
        self.finished = last;
        Ok(tag)
    }

    /// Makes the next part out of a segment's plaintext: the stream header if it is the first, ciphertext, tag.
    ///
    /// # Errors
    /// As [`Sealer::seal_segment`].
    pub fn seal_part(&mut self, text: &[u8], last: bool) -> Result<Vec<u8>, SealError> {
        let start = if self.next == Some(0) { STREAM_HEADER } else { 0 };
        let mut part = Vec::with_capacity(start + text.len() + TAG);
        part.extend_from_slice(self.stream_header().get(..start).unwrap_or_default());
        part.extend_from_slice(text);
        let tag = self.seal_segment(part.get_mut(start..).unwrap_or_default(), last)?;
        part.extend_from_slice(&tag);
        Ok(part)
    }

    /// The index that comes next, for whoever owns the sealer and seals several segments at a time.
    pub(crate) fn next_index(&self) -> Result<Option<u32>, SealError> {
        if self.finished { Err(SealError::Finished) } else { Ok(self.next) }
    }

    pub(crate) fn stream(&self) -> &StreamKey {
        &self.stream
    }
}

/// Opens segments of one envelope, in any order. Whoever reads from the start to the end must see the last one open as last.
#[derive(Debug)]
pub struct Opener(StreamKey);

impl Opener {
    pub(super) fn new(stream: StreamKey) -> Self {
        Self(stream)
    }

    /// Verifies and decrypts a segment (ciphertext and tag) in place; the plaintext comes back.
    ///
    /// # Errors
    /// [`OpenError::Segment`], [`OpenError::StreamTruncated`], [`OpenError::StreamTooLong`]. The buffer then holds no plaintext.
    pub fn open_segment<'a>(
        &self,
        index: u32,
        last: bool,
        segment: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        self.0.open(index, last, segment)
    }

    /// The same for a part: part 0 begins with the stream header, which must be this stream's.
    ///
    /// # Errors
    /// As [`Opener::open_segment`], and [`OpenError::StreamHeader`].
    pub fn open_part<'a>(
        &self,
        index: u32,
        last: bool,
        part: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        if index > 0 {
            return self.0.open(index, last, part);
        }
        let (head, segment) = part.split_at_mut_checked(STREAM_HEADER).ok_or(OpenError::StreamTruncated)?;
        if head != self.0.header() {
            return Err(OpenError::StreamHeader);
        }
        self.0.open(index, last, segment)
    }
}
