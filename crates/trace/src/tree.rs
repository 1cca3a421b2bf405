use crate::{Hash, MissingHash, empty_root, node_hash};

/// Where stored hashes are read from: memory, tiles, a file.
///
/// Only complete subtrees are asked for: `(level, index)` covers the leaves `index << level` to
/// `((index + 1) << level) - 1`; level 0 is the leaf hashes themselves.
pub trait HashReader {
    /// The root of that complete subtree.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        (**self).hash(level, index)
    }
}

/// A log's tree in memory, 64 bytes a leaf; every root and proof of its past can be read from it.
#[derive(Clone, Debug, Default)]
pub struct LogTree {
    levels: Vec<Vec<Hash>>,
}

impl LogTree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends a leaf hash (see [`leaf_hash`](crate::leaf_hash)) and returns its index: two hashes on average.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut carried = leaf;
        for depth in 0.. {
            if depth == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let Some(level) = self.levels.get_mut(depth) else { break };
            level.push(carried);
            let [.., left, right] = level.as_slice() else { break };
            if level.len() % 2 == 1 {
                break;
            }
            carried = node_hash(left, right);
        }
        index
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        root_at(self.size(), self).unwrap_or_else(|_| empty_root()) // never missing: the tree holds all of its levels
    }
}

impl HashReader for LogTree {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        let found = self.levels.get(usize::from(level));
        let position = usize::try_from(index).unwrap_or(usize::MAX);
        found.and_then(|hashes| hashes.get(position)).copied().ok_or(MissingHash { level, index })
    }
}

impl Extend<Hash> for LogTree {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        for leaf in leaves {
            self.append(leaf);
        }
    }
}

impl FromIterator<Hash> for LogTree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = LogTree::new();
        tree.extend(leaves);
        tree
    }
}

/// The root of the tree over the first `size` leaves (RFC 6962 §2.1).
pub fn root_at(size: u64, hashes: &dyn HashReader) -> Result<Hash, MissingHash> {
    if size == 0 { Ok(empty_root()) } else { range_root(0, size, hashes) }
}

/// The hash of the subtree over leaves `start..end` (not empty), as RFC 6962's recursion cuts them: `start` is a
/// multiple of the largest power of two within the range.
pub(crate) fn range_root(start: u64, end: u64, hashes: &dyn HashReader) -> Result<Hash, MissingHash> {
    let mut position = end;
    let mut root = None;
    // From the right, where the complete subtrees are the smallest.
    while position > start {
        let level = (position - start).trailing_zeros();
        position -= 1 << level;
        let left = hashes.hash(level as u8, position >> level)?;
        root = Some(root.map_or(left, |right| node_hash(&left, &right)));
    }
    root.ok_or(MissingHash { level: 0, index: start })
}

/// The largest power of two smaller than `n`, for n ≥ 2 (RFC 6962's `k`).
pub(crate) fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}
