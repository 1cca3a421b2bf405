use crate::checkpoint::{decimal, decode_hash};
use crate::{EvidenceError, Hash, SignedCheckpoint, VerifiedCheckpoint, VerifierKey, verify_inclusion};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const MAX_HASHES: usize = 64;

/// A proof in the form that other transparency tools read (C2SP tlog-proof, `.tlog-proof`): everything but the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Bytes for the application; nothing vouches for them.
    pub extra: Option<Vec<u8>>,
    /// The entry's number in the log.
    pub index: u64,
    /// The audit path, from the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The checkpoint, as received.
    pub checkpoint: SignedCheckpoint,
}

impl TlogProof {
    /// Reads a proof.
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(EvidenceError::Malformed)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(EvidenceError::Malformed);
        }
        let extra =
            lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let extra =
            extra.map(|base64| STANDARD.decode(base64)).transpose().map_err(|_| EvidenceError::Malformed)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(EvidenceError::Malformed)?;
        let hashes: Option<Vec<Hash>> = lines.take(MAX_HASHES + 1).map(decode_hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES).ok_or(EvidenceError::Malformed)?;
        Ok(TlogProof { extra, index, hashes, checkpoint: SignedCheckpoint::parse(checkpoint)? })
    }

    /// Checks that the log whose key this is has `leaf` (see [`leaf_hash`](crate::leaf_hash)) at this index.
    pub fn verify(self, leaf: &Hash, log_key: &VerifierKey) -> Result<VerifiedCheckpoint, EvidenceError> {
        let checkpoint = self.checkpoint.verify(log_key)?;
        verify_inclusion(leaf, self.index, checkpoint.size(), &self.hashes, &checkpoint.root())?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint.note())
    }
}
