//! The fixed header: what never changes in an envelope, re-wrapping included.

use super::{FIXED, OpenError, reader::Reader};
use crate::{Cek, FileId, sha256};

const MAGIC: &[u8; 5] = b"sceau";
const VERSION: u8 = 1;
const CONTENT_SUITE: u16 = 1;

/// `"sceau" ‖ version ‖ content suite ‖ file id ‖ commitment`, 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    file_id: FileId,
    commitment: [u8; 32],
}

impl FixedHeader {
    pub(super) fn new(file_id: FileId, cek: &Cek) -> Self {
        Self { file_id, commitment: *cek.commitment().expose() }
    }

    /// Which file version this is.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        self.file_id
    }

    /// The 56 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FIXED] {
        let mut bytes = [0; FIXED];
        let (magic, rest) = bytes.split_at_mut(5);
        let (version, rest) = rest.split_at_mut(1);
        let (suite, rest) = rest.split_at_mut(2);
        let (file_id, commitment) = rest.split_at_mut(16);
        magic.copy_from_slice(MAGIC);
        version.copy_from_slice(&[VERSION]);
        suite.copy_from_slice(&CONTENT_SUITE.to_be_bytes());
        file_id.copy_from_slice(self.file_id.as_bytes());
        commitment.copy_from_slice(&self.commitment);
        bytes
    }

    /// SHA-256(fixed): associated data of the content stream.
    #[must_use]
    pub fn associated_data(&self) -> [u8; 32] {
        sha256(&self.to_bytes())
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        // A short file that is not an envelope at all is told so, not that it is cut short.
        let magic = reader.take_at_most(5);
        if !MAGIC.starts_with(magic) {
            return Err(OpenError::NotAnEnvelope);
        }
        if magic.len() < MAGIC.len() {
            return Err(OpenError::HeaderTruncated);
        }
        match reader.u8()? {
            VERSION => {}
            version => return Err(OpenError::Version(version)),
        }
        match reader.u16()? {
            CONTENT_SUITE => {}
            suite => return Err(OpenError::ContentSuite(suite)),
        }
        Ok(Self { file_id: FileId::from_bytes(reader.array()?), commitment: reader.array()? })
    }

    /// Whether `cek` is the key that this envelope commits to, in constant time.
    pub(super) fn commits_to(&self, cek: &Cek) -> bool {
        cek.commitment() == crate::Secret::fill_with(|bytes| bytes.copy_from_slice(&self.commitment))
    }
}
