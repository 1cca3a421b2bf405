use crate::tree::{range_root, split};
use crate::{Hash, HashReader, ProofError, empty_root, node_hash};

/// The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling up (RFC 6962 §2.1.1).
pub fn inclusion_proof(size: u64, index: u64, hashes: &dyn HashReader) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_root(middle, end, hashes)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, hashes)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// That the tree of `from` leaves is a prefix of the tree of `to` leaves (RFC 6962 §2.1.2). Empty when `from` is 0 or `to`.
pub fn consistency_proof(from: u64, to: u64, hashes: &dyn HashReader) -> Result<Vec<Hash>, ProofError> {
    if from > to {
        return Err(ProofError::OutOfRange);
    }
    if from == 0 {
        return Ok(Vec::new());
    }
    let (mut start, mut end, mut proof) = (0, to, Vec::new());
    while from != end {
        let middle = start + split(end - start);
        if from <= middle {
            proof.push(range_root(middle, end, hashes)?);
            end = middle;
        } else {
            proof.push(range_root(start, middle, hashes)?);
            start = middle;
        }
    }
    if start != 0 {
        proof.push(range_root(start, end, hashes)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` is number `index` of the tree of `size` leaves under `root` (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right edge without siblings on these levels: nothing was hashed there.
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Checks that the tree (`to`, `to_root`) extends the tree (`from`, `from_root`) (RFC 9162 §2.1.4.2).
pub fn verify_consistency(
    from: u64,
    to: u64,
    proof: &[Hash],
    from_root: &Hash,
    to_root: &Hash,
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::OutOfRange);
    }
    if from == 0 || from == to {
        let expected = if from == 0 { empty_root() } else { *to_root };
        return match (proof.is_empty(), expected == *from_root) {
            (false, _) => Err(ProofError::WrongLength),
            (true, false) => Err(ProofError::RootMismatch),
            (true, true) => Ok(()),
        };
    }
    // The old tree's last complete subtree is where the two paths meet; a power of two is itself that subtree.
    let (mut node, mut last) = (from - 1, to - 1);
    while node % 2 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (seed, rest) = match proof.split_first() {
        _ if from.is_power_of_two() => (*from_root, proof),
        Some((first, rest)) => (*first, rest),
        None => return Err(ProofError::WrongLength),
    };
    let (mut old, mut new) = (seed, seed);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node % 2 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    if old == *from_root && new == *to_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}
