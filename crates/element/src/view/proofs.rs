//! What the tree of the durable log proves: its tiles, that an entry is in it, and that it grew.

use sceau_trace::{Hash, HashReader, MissingHash, ProofError, consistency_proof, inclusion_proof};

use super::{ReadError, View};

impl View {
    /// The hashes of a tile, one after the other.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] when the durable log has no such tile of that width.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        if level > 5 || !(1..=256).contains(&width) {
            return Err(ReadError::NotFound);
        }
        let depth = level * 8;
        let first = index.checked_mul(256).ok_or(ReadError::NotFound)?;
        let end = first.checked_add(u64::from(width)).ok_or(ReadError::NotFound)?;
        if end > self.size() >> depth {
            return Err(ReadError::NotFound);
        }
        let tree = self.tree();
        let hashes: Result<Vec<Hash>, MissingHash> = (first..end).map(|at| tree.hash(depth, at)).collect();
        Ok(hashes.map_err(|_| ReadError::NotFound)?.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }

    /// The audit path of an entry in the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the durable log.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        if size > self.size() {
            return Err(ReadError::NotFound);
        }
        inclusion_proof(size, index, &*self.tree()).map_err(not_found)
    }

    /// That the tree of `from` is a prefix of the tree of `to`.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the durable log.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        if to > self.size() {
            return Err(ReadError::NotFound);
        }
        consistency_proof(from, to, &*self.tree()).map_err(not_found)
    }
}

fn not_found(_: ProofError) -> ReadError {
    ReadError::NotFound
}
