//! The headers of a dossier's files, as one hash: what a re-wrapping names, of before and after.

use sceau_crypto::FileId;
use sceau_trace::{Hash, sha256};

/// A list of headers, in the manifest's order.
#[derive(Debug, Clone, Default)]
pub struct HeaderList(String);

impl HeaderList {
    /// With the header of a further file.
    #[must_use]
    pub fn and(mut self, file: &FileId, header: &[u8]) -> Self {
        self.0.push_str(&format!("{file} {}\n", sha256(header)));
        self
    }

    /// SHA-256 of a line for each file: its id, a space, SHA-256 of its header, both in lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(self.0.as_bytes())
    }
}
