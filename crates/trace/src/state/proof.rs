use super::map::{Branch, StateMap};
use super::{StateEntry, empty, goes_right, key_of, leaf, node};
use crate::{Hash, ProofError};
use serde::{Deserialize, Serialize};

/// What a map with a given root says about one (kind, id): its current version, or that it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapProof {
    /// The branchings passed, from the root down.
    path: Vec<Step>,
    /// The leaf that the path ends on; none in an empty map.
    leaf: Option<Leaf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    bit: u8,
    sibling: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf {
    key: Hash,
    version: u64,
    hash: Hash,
}

impl StateMap {
    /// The proof of what [`lookup`](Self::lookup) answers, presence or absence.
    pub fn prove(&self, kind: &str, id: &str) -> MapProof {
        let wanted = key_of(kind, id);
        let mut proof = MapProof { path: Vec::new(), leaf: None };
        let mut branch = self.top();
        while let Some(current) = branch {
            branch = match current {
                Branch::Leaf { key, entry, .. } => {
                    proof.leaf = Some(Leaf { key: *key, version: entry.version, hash: entry.hash });
                    None
                }
                Branch::Node { bit, left, right, .. } => {
                    let (next, other) = if goes_right(&wanted, *bit) { (right, left) } else { (left, right) };
                    proof.path.push(Step { bit: *bit, sibling: other.hash() });
                    Some(next)
                }
            };
        }
        proof
    }
}

impl MapProof {
    /// What the map under `root` (a checkpoint's map root) holds for (kind, id); nothing if it holds nothing.
    pub fn verify(&self, root: &Hash, kind: &str, id: &str) -> Result<Option<StateEntry>, ProofError> {
        let wanted = key_of(kind, id);
        let Some(end) = self.leaf else {
            let empty = self.path.is_empty() && *root == empty();
            return if empty { Ok(None) } else { Err(ProofError::RootMismatch) };
        };
        let entry = StateEntry { version: end.version, hash: end.hash };
        let mut hash = leaf(&end.key, &entry);
        // Each node's hash binds its bit, and the bit of the wanted key alone says the side: from one root only one leaf
        // can be reached for a key, even if whoever built the tree did not build it as `StateMap` does.
        for step in self.path.iter().rev() {
            let (left, right) = match goes_right(&wanted, step.bit) {
                true => (&step.sibling, &hash),
                false => (&hash, &step.sibling),
            };
            hash = node(step.bit, left, right);
        }
        if hash != *root {
            return Err(ProofError::RootMismatch);
        }
        Ok((end.key == wanted).then_some(entry))
    }
}
