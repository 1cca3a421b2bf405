//! The right edge of a log's tree: as many hashes as the size has binary ones, enough to go on from and to know the root.

use sceau_trace::{Hash, empty_root, node_hash};

/// Roots of the complete subtrees, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// How many leaves were taken in.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes in the next leaf's hash.
    pub(crate) fn append(&mut self, leaf: Hash) {
        let mut carried = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                carried = node_hash(&left, &carried);
            }
        }
        self.hashes.push(carried);
        self.size += 1;
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Hash {
        let fold = self.hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        fold.unwrap_or_else(empty_root)
    }

    /// Size (8, big endian), then the hashes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        self.hashes.iter().for_each(|hash| bytes.extend_from_slice(hash.as_bytes()));
        bytes
    }

    /// Reads [`Self::to_bytes`].
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (hashes, rest) = rest.as_chunks::<32>();
        let whole = rest.is_empty() && hashes.len() as u64 == u64::from(size.count_ones());
        whole.then(|| Self { size, hashes: hashes.iter().copied().map(Hash::new).collect() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_trace::{LogTree, leaf_hash};

    #[test]
    fn its_root_is_the_tree_s_at_every_size_and_survives_the_disk() {
        let (mut frontier, mut tree) = (Frontier::default(), LogTree::new());
        for n in 0_u64..600 {
            assert_eq!((frontier.root(), frontier.size()), (tree.root(), tree.size()));
            frontier = Frontier::parse(&frontier.to_bytes()).unwrap();
            frontier.append(leaf_hash(&n.to_be_bytes()));
            tree.append(leaf_hash(&n.to_be_bytes()));
        }
        assert_eq!(Frontier::parse(&frontier.to_bytes()[..40]), None);
    }
}
