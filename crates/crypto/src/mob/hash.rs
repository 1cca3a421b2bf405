//! The hash that names a sealed file: the house's form, a hash of the hashes of its parts.

use super::EncryptionFields;
use crate::envelope::EnvelopeHash;
use crate::{Label, Sha256, sha256};

/// `SHA-256("mob-2022/envelope" ‖ 00 ‖ SHA-256(encrypted key) ‖ SHA-256(encrypted IV) ‖ SHA-256(part)…)`.
#[derive(Clone)]
pub(super) struct FileHasher {
    whole: Sha256,
    parts: u32,
}

impl FileHasher {
    pub(super) fn new(fields: &EncryptionFields) -> Self {
        let mut whole = Label::MobEnvelope.hasher();
        whole.update(&sha256(&fields.aes_key));
        whole.update(&sha256(&fields.iv));
        Self { whole, parts: 0 }
    }

    /// Takes in the hash of the next part.
    pub(super) fn part_hash(&mut self, hash: &[u8; 32]) {
        self.whole.update(hash);
        self.parts = self.parts.saturating_add(1);
    }

    /// The hash, and the number of parts.
    pub(super) fn finish(self) -> (EnvelopeHash, u32) {
        (EnvelopeHash::from_bytes(self.whole.finish()), self.parts)
    }
}
