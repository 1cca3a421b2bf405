use crate::checkpoint::{decimal, decode_hash};
use crate::{CheckpointError, Hash, SignedCheckpoint};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Hashes of a consistency proof at most, by the protocol.
const MAX_HASHES: usize = 63;

/// The body of `POST /add-checkpoint`: well formed, nothing in it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the witness cosigned last, as the log believes; 0 for none.
    pub old_size: u64,
    /// That the new tree extends the old one (RFC 6962 §2.1.2).
    pub proof: Vec<Hash>,
    /// The new checkpoint, with all of its signatures.
    pub checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// No request that could be answered is longer, in bytes: a checkpoint with some extensions and signatures, and 63 hashes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a body.
    ///
    /// # Errors
    /// [`CheckpointError`], where it is none.
    pub fn parse(body: &str) -> Result<Self, CheckpointError> {
        if body.len() > Self::MAX_BYTES {
            return Err(CheckpointError::Malformed("the request is too long"));
        }
        let (head, note) = body.split_once("\n\n").ok_or(CheckpointError::Malformed("no empty line"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old_size = old.ok_or(CheckpointError::Malformed("its old size"))?;
        let hashes: Option<Vec<Hash>> = lines.take(MAX_HASHES + 1).map(decode_hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES);
        let proof = hashes.ok_or(CheckpointError::Malformed("its proof"))?;
        Ok(AddCheckpoint { old_size, proof, checkpoint: SignedCheckpoint::parse(note)? })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint.note())
    }
}
