//! The envelope hash, which names content and metadata whoever they are wrapped to.

use super::FixedHeader;
use crate::ids::hex_id;
use crate::{Label, Sha256, sha256};

hex_id! {
    /// What an envelope holds: stable under re-wrapping, so that manifests and evidence can name it.
    EnvelopeHash, 32
}

/// Computes an envelope's hash from its parts, or from their hashes, in order.
#[derive(Debug, Clone)]
pub struct EnvelopeHasher(Sha256);

impl EnvelopeHasher {
    pub(super) fn new(fixed: &FixedHeader, metadata: &[u8]) -> Self {
        let mut hash = Label::EnvelopeHash.hasher();
        hash.update(&sha256(&fixed.to_bytes()));
        hash.update(&sha256(metadata));
        Self(hash)
    }

    /// Takes the next part in; returns its SHA-256.
    pub fn part(&mut self, part: &[u8]) -> [u8; 32] {
        let hash = sha256(part);
        self.part_hash(&hash);
        hash
    }

    /// Takes in the SHA-256 of the next part.
    pub fn part_hash(&mut self, hash: &[u8; 32]) {
        self.0.update(hash);
    }

    /// The hash of the envelope.
    #[must_use]
    pub fn finish(self) -> EnvelopeHash {
        EnvelopeHash::from_bytes(self.0.finish())
    }
}
