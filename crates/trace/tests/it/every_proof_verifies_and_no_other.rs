use crate::support::{cases, tree};
use proptest::prelude::*;
use sceau_trace::*;

/// Ways to spoil a proof that is not empty.
fn spoilt(proof: &[Hash], at: usize, bit: usize) -> Vec<Vec<Hash>> {
    let mut flipped = proof.to_vec();
    let at = at % proof.len();
    let mut bytes = *flipped[at].as_bytes();
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    flipped[at] = Hash::new(bytes);
    let mut shorter = proof.to_vec();
    shorter.remove(at);
    let mut longer = proof.to_vec();
    longer.insert(at, proof[at]);
    let mut all = vec![flipped, shorter, longer];
    if proof.len() > 1 && proof[0] != proof[proof.len() - 1] {
        let mut reversed = proof.to_vec();
        reversed.reverse();
        all.push(reversed);
    }
    all
}

#[test]
fn all_inclusions_and_consistencies_up_to_seventy() {
    let tree = tree(70);
    for size in 1..=70 {
        let root = root_at(size, &tree).unwrap();
        for index in 0..size {
            let proof = inclusion_proof(size, index, &tree).unwrap();
            verify_inclusion(&tree.hash(0, index).unwrap(), index, size, &proof, &root).unwrap();
        }
        for from in 0..=size {
            let old = root_at(from, &tree).unwrap();
            let proof = consistency_proof(from, size, &tree).unwrap();
            verify_consistency(from, size, &proof, &old, &root).unwrap();
        }
    }
}

#[test]
fn the_incremental_root_is_the_root_at_each_size() {
    let whole = tree(300);
    let mut growing = LogTree::new();
    assert_eq!(growing.root(), empty_root());
    for index in 0..300 {
        assert_eq!(growing.append(whole.hash(0, index).unwrap()), index);
        assert_eq!(growing.root(), root_at(index + 1, &whole).unwrap());
    }
}

#[test]
fn from_the_empty_tree_only_an_empty_proof_holds() {
    let (tree, empty) = (tree(5), empty_root());
    verify_consistency(0, 5, &[], &empty, &tree.root()).unwrap();
    assert_eq!(verify_consistency(0, 5, &[empty], &empty, &tree.root()), Err(ProofError::WrongLength));
    assert_eq!(verify_consistency(0, 5, &[], &tree.root(), &tree.root()), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency(5, 5, &[], &empty, &tree.root()), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency(4, 5, &[], &tree.root(), &tree.root()), Err(ProofError::WrongLength));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn inclusion(size in 2u64..3000, index: u64, at: usize, bit in 0usize..256, other: u64) {
        let (tree, index) = (tree(size), index % size);
        let (leaf, root) = (tree.hash(0, index).unwrap(), tree.root());
        let proof = inclusion_proof(size, index, &tree).unwrap();
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root).is_ok());
        for wrong in spoilt(&proof, at, bit) {
            prop_assert!(verify_inclusion(&leaf, index, size, &wrong, &root).is_err());
        }
        let other = other % size;
        if other != index {
            prop_assert!(verify_inclusion(&leaf, other, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&tree.hash(0, other).unwrap(), index, size, &proof, &root).is_err());
        }
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &leaf).is_err());
    }

    #[test]
    fn consistency(to in 2u64..3000, from: u64, at: usize, bit in 0usize..256) {
        let (tree, from) = (tree(to), from % to);
        let (old, new) = (root_at(from, &tree).unwrap(), tree.root());
        let proof = consistency_proof(from, to, &tree).unwrap();
        prop_assert!(verify_consistency(from, to, &proof, &old, &new).is_ok());
        if !proof.is_empty() {
            for wrong in spoilt(&proof, at, bit) {
                prop_assert!(verify_consistency(from, to, &wrong, &old, &new).is_err());
            }
        }
        prop_assert!(verify_consistency(from, to, &proof, &new, &new).is_err());
        if from > 0 {
            // Whatever the newer tree, it extends the empty one.
            prop_assert!(verify_consistency(from, to, &proof, &old, &old).is_err());
        }
        prop_assert_eq!(verify_consistency(to, from, &proof, &new, &old), Err(ProofError::OutOfRange));
    }

    #[test]
    fn numbers_at_the_edge_do_no_harm(
        index: u64, size: u64, proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70)
    ) {
        let proof: Vec<Hash> = proof.into_iter().map(Hash::new).collect();
        let root = sha256(b"root");
        for (index, size) in [(index, size), (u64::MAX - 1, u64::MAX), (0, u64::MAX), (index, u64::MAX)] {
            prop_assert!(verify_inclusion(&root, index, size, &proof, &root).is_err());
            prop_assert!(verify_consistency(index, size, &proof, &root, &sha256(b"new")).is_err());
        }
    }
}
