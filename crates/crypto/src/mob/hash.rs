//! The hash that names a sealed file: the house's form, a hash of the hashes of its parts.

use super::{EncryptionFields, PART};
use crate::envelope::EnvelopeHash;
use crate::{Label, Sha256, sha256};

/// `SHA-256("mob-2022/envelope" ‖ 00 ‖ SHA-256(encrypted key) ‖ SHA-256(encrypted IV) ‖ SHA-256(part)…)`.
#[derive(Clone)]
pub(super) struct FileHasher {
    whole: Sha256,
    part: Sha256,
    filled: usize,
    parts: u32,
}

impl FileHasher {
    pub(super) fn new(fields: &EncryptionFields) -> Self {
        let mut whole = Label::MobEnvelope.hasher();
        whole.update(&sha256(&fields.aes_key));
        whole.update(&sha256(&fields.iv));
        Self { whole, part: Sha256::new(), filled: 0, parts: 0 }
    }

    /// Takes ciphertext in, in its order, cut anyhow.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(PART - self.filled));
            self.part.update(now);
            self.filled += now.len();
            if self.filled == PART {
                self.end_part();
            }
            bytes = rest;
        }
    }

    /// The hash, and the number of parts.
    pub(super) fn finish(mut self) -> (EnvelopeHash, u32) {
        if self.filled > 0 {
            self.end_part();
        }
        (EnvelopeHash::from_bytes(self.whole.finish()), self.parts)
    }

    fn end_part(&mut self) {
        let part = std::mem::take(&mut self.part).finish();
        self.part_hash(&part);
        self.filled = 0;
    }

    /// Takes in the hash of a part that was hashed elsewhere.
    pub(super) fn part_hash(&mut self, hash: &[u8; 32]) {
        self.whole.update(hash);
        self.parts = self.parts.saturating_add(1);
    }
}
