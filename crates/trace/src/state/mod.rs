//! The authenticated map (kind, id) → (version, hash), whose root every checkpoint binds.
//!
//! A path-compressed binary trie over SHA-256 of (kind, id). A node's hash binds the bit on which it branches, so that a
//! root commits to exactly one answer for each key, whatever tree is behind it; and the shape depends on the set of
//! keys alone, so that the order of insertion does not matter.

mod map;
mod proof;
mod rows;

pub use map::{Conflict, StateMap};
pub use proof::MapProof;
pub use rows::AttestedRows;

use crate::Hash;
use crate::label::{Label, labelled_hash};
use serde::{Deserialize, Serialize};

/// The current version of one attested thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// 1 for the first version, then one more each time.
    pub version: u64,
    /// SHA-256 of the attested payload's exact bytes.
    pub hash: Hash,
}

/// The place of (kind, id) in the trie; the kind's length comes first so that no two pairs share a place.
fn key_of(kind: &str, id: &str) -> Hash {
    let length = (kind.len() as u64).to_be_bytes();
    labelled_hash(Label::MapKey, &[&length, kind.as_bytes(), id.as_bytes()])
}

fn empty() -> Hash {
    labelled_hash(Label::EmptyMap, &[])
}

fn leaf(key: &Hash, entry: &StateEntry) -> Hash {
    labelled_hash(Label::MapLeaf, &[key.as_ref(), &entry.version.to_be_bytes(), entry.hash.as_ref()])
}

fn node(bit: u8, left: &Hash, right: &Hash) -> Hash {
    labelled_hash(Label::MapNode, &[&[bit], left.as_ref(), right.as_ref()])
}

/// Whether the key goes right at a node that branches on that bit; bit 0 is the most significant.
fn goes_right(key: &Hash, bit: u8) -> bool {
    let byte = key.as_bytes().get(usize::from(bit / 8)).copied().unwrap_or_default(); // 255 / 8 = 31: always there
    byte & (0x80 >> (bit % 8)) != 0
}

/// The first bit on which two keys differ.
fn first_difference(a: &Hash, b: &Hash) -> Option<u8> {
    let (at, xor) =
        a.as_bytes().iter().zip(b.as_bytes()).map(|(a, b)| a ^ b).enumerate().find(|(_, x)| *x != 0)?;
    u8::try_from(at * 8 + xor.leading_zeros() as usize).ok()
}
