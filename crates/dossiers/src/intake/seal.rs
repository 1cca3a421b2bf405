//! One file on its way: scanned and sealed in the same pass, one part in memory.

use bytes::Bytes;
use sceau_crypto::envelope::{EnvelopeHasher, Metadata, NewEnvelope, STREAM_HEADER, SealError, Sealer, TAG};
use sceau_crypto::{FileId, RecipientKey};
use sceau_element_api::documents::SealedFile;
use sceau_trace::Hash;
use zeroize::Zeroizing;

/// A file that is being sealed. It holds at most one part.
pub(super) struct Sealing {
    sealer: Sealer,
    hasher: EnvelopeHasher,
    buffer: Zeroizing<Vec<u8>>,
    index: u32,
    taken: u64,
    size: u64,
}

impl Sealing {
    /// Begins a file of `size` bytes; its header comes along.
    pub(super) fn begin(
        file: FileId,
        (name, media_type): (&str, &str),
        key: &RecipientKey,
        size: u64,
    ) -> Result<(Self, Bytes), SealError> {
        let metadata = Metadata::new(name, media_type)?;
        let envelope = NewEnvelope::create_for_file(file, metadata, std::slice::from_ref(key))?;
        let header = Bytes::copy_from_slice(envelope.header.as_bytes());
        let hasher = envelope.header.hasher();
        let mut sealing =
            Self { sealer: envelope.sealer, hasher, buffer: Zeroizing::default(), index: 0, taken: 0, size };
        sealing.fresh_buffer();
        Ok((sealing, header))
    }

    /// Takes bytes, as many as fit; the rest comes back, with a part that is full and not the last.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<(&'a [u8], Option<Sealed>), SealError> {
        // Only now: while the part before was on its way, it was the one in memory.
        if self.buffer.capacity() == 0 {
            self.fresh_buffer();
        }
        let room = self.start() + self.sealer.segment_size() - self.buffer.len();
        let (now, later) = bytes.split_at(bytes.len().min(room));
        self.buffer.extend_from_slice(now);
        self.taken += now.len() as u64;
        let full = now.len() == room && self.taken < self.size;
        Ok((later, if full { Some(self.part(false)?) } else { None }))
    }

    /// Bytes that were announced.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that were taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The last part, and how a manifest names the file. Only for a file that was found clean.
    pub(super) fn finish(mut self, file_id: FileId) -> Result<(Sealed, SealedFile), SealError> {
        let last = self.part(true)?;
        let envelope_hash = Hash::from(*self.hasher.finish().as_bytes());
        let file = SealedFile { file_id, envelope_hash, size: self.taken, parts: self.index };
        Ok((last, file))
    }

    /// Encrypts in place: no second copy of the plaintext is made.
    fn part(&mut self, last: bool) -> Result<Sealed, SealError> {
        let start = self.start();
        let tag = self.sealer.seal_segment(self.buffer.get_mut(start..).unwrap_or_default(), last)?;
        self.buffer.extend_from_slice(&tag);
        let bytes = Bytes::from(std::mem::take(&mut *self.buffer));
        self.hasher.part(&bytes);
        let index = self.index;
        self.index = index.checked_add(1).ok_or(SealError::TooLarge)?;
        Ok(Sealed { index, bytes })
    }

    /// Takes the memory of a part that arrived for the next one: memory that is given back and asked for anew with each part of a hundred files
    /// is never whole again.
    pub(super) fn reuse(&mut self, sent: Bytes) {
        if sent.is_unique() && self.buffer.capacity() == 0 {
            let mut room = Vec::from(sent);
            room.clear();
            if room.capacity() >= self.sealer.segment_size() + TAG {
                self.buffer = Zeroizing::new(room);
            }
        }
    }

    /// Where the plaintext begins: the stream's header comes before the first segment.
    fn start(&self) -> usize {
        if self.index == 0 { STREAM_HEADER } else { 0 }
    }

    /// Sized beforehand: a buffer that grows leaves copies of the plaintext behind.
    fn fresh_buffer(&mut self) {
        let left = usize::try_from(self.size.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        let segment = self.sealer.segment_size().min(left);
        let mut buffer = Vec::with_capacity(self.start() + segment + TAG);
        if self.index == 0 {
            buffer.extend_from_slice(self.sealer.stream_header());
        }
        self.buffer = Zeroizing::new(buffer);
    }
}

/// A sealed part.
pub(super) struct Sealed {
    pub(super) index: u32,
    pub(super) bytes: Bytes,
}
