use super::{StateEntry, empty, first_difference, goes_right, key_of, leaf, node};
use crate::Hash;

/// The map itself, in memory: every operation walks about log₂(n) nodes.
#[derive(Clone, Debug, Default)]
pub struct StateMap {
    root: Option<Box<Branch>>,
    len: usize,
}

/// The state is not what the caller believed: he saw an old version, or somebody was faster. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the current version is not the expected one")]
pub struct Conflict {
    /// What is there.
    pub current: Option<StateEntry>,
}

impl Conflict {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        "state.conflict"
    }
}

#[derive(Clone, Debug)]
pub(super) enum Branch {
    Leaf { key: Hash, entry: StateEntry, hash: Hash },
    Node { bit: u8, left: Box<Branch>, right: Box<Branch>, hash: Hash },
}

impl StateMap {
    /// The empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many things have a current version.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The root: a function of the content alone.
    pub fn root(&self) -> Hash {
        self.root.as_ref().map_or_else(empty, |branch| branch.hash())
    }

    /// The current version of (kind, id).
    pub fn lookup(&self, kind: &str, id: &str) -> Option<StateEntry> {
        let key = key_of(kind, id);
        let (found, entry) = self.root.as_ref()?.closest(&key);
        (*found == key).then_some(*entry)
    }

    /// Makes `new` the current hash of (kind, id) if `previous` is what is current, and returns it with its version:
    /// 1, or one more than the previous.
    pub fn compare_and_swap(
        &mut self,
        kind: &str,
        id: &str,
        previous: Option<StateEntry>,
        new: Hash,
    ) -> Result<StateEntry, Conflict> {
        let current = self.lookup(kind, id);
        if current != previous {
            return Err(Conflict { current });
        }
        let version = current.map_or(0, |entry| entry.version) + 1;
        let entry = StateEntry { version, hash: new };
        self.set(key_of(kind, id), entry);
        self.len += usize::from(current.is_none());
        Ok(entry)
    }

    fn set(&mut self, key: Hash, entry: StateEntry) {
        let fresh = Box::new(Branch::Leaf { key, entry, hash: leaf(&key, &entry) });
        self.root = Some(match self.root.take() {
            None => fresh,
            Some(root) => {
                let bit = first_difference(root.closest(&key).0, &key);
                root.insert(bit, fresh, &key)
            }
        });
    }

    pub(super) fn top(&self) -> Option<&Branch> {
        self.root.as_deref()
    }
}

impl Branch {
    pub(super) fn hash(&self) -> Hash {
        match self {
            Branch::Leaf { hash, .. } | Branch::Node { hash, .. } => *hash,
        }
    }

    /// The one leaf where `key` would be.
    pub(super) fn closest(&self, key: &Hash) -> (&Hash, &StateEntry) {
        let mut branch = self;
        loop {
            match branch {
                Branch::Leaf { key, entry, .. } => return (key, entry),
                Branch::Node { bit, left, right, .. } => {
                    branch = if goes_right(key, *bit) { right } else { left };
                }
            }
        }
    }

    fn joined(bit: u8, left: Box<Branch>, right: Box<Branch>) -> Box<Branch> {
        let hash = node(bit, &left.hash(), &right.hash());
        Box::new(Branch::Node { bit, left, right, hash })
    }

    /// Puts a leaf where `new_bit`, the first difference from its closest neighbour, says; none replaces that leaf.
    /// At most 256 deep, one level for each bit of a key.
    fn insert(self, new_bit: Option<u8>, fresh: Box<Branch>, key: &Hash) -> Box<Branch> {
        match self {
            Branch::Node { bit, left, right, .. } if new_bit.is_none_or(|new_bit| bit < new_bit) => {
                if goes_right(key, bit) {
                    Branch::joined(bit, left, right.insert(new_bit, fresh, key))
                } else {
                    Branch::joined(bit, left.insert(new_bit, fresh, key), right)
                }
            }
            other => match new_bit {
                None => fresh,
                Some(bit) if goes_right(key, bit) => Branch::joined(bit, Box::new(other), fresh),
                Some(bit) => Branch::joined(bit, fresh, Box::new(other)),
            },
        }
    }
}
