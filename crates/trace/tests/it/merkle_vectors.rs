//! The eight-leaf tree of the certificate-transparency project's own tests.

use sceau_trace::*;

const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const N1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const N23: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const N4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const N45: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const N47: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const N67: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";

/// (size, index, path)
const INCLUSIONS: [(u64, u64, &[&str]); 5] = [
    (1, 0, &[]),
    (8, 0, &[N1, N23, N47]),
    (8, 5, &[N4, N67, ROOTS[4]]),
    (3, 2, &[ROOTS[2]]),
    (5, 1, &[ROOTS[1], N23, N4]),
];

/// (from, to, proof)
const CONSISTENCIES: [(u64, u64, &[&str]); 4] =
    [(1, 1, &[]), (1, 8, &[N1, N23, N47]), (6, 8, &[N45, N67, ROOTS[4]]), (2, 5, &[N23, N4])];

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().map(|hex| hex.parse().unwrap()).collect()
}

fn tree() -> LogTree {
    LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect()
}

#[test]
fn roots_at_each_size() {
    let tree = tree();
    for (size, root) in hashes(&ROOTS).into_iter().enumerate() {
        assert_eq!(root_at(size as u64, &tree).unwrap(), root, "size {size}");
    }
    assert_eq!(tree.root().to_string(), ROOTS[8]);
    assert_eq!(root_at(9, &tree), Err(MissingHash { level: 0, index: 8 }));
}

#[test]
fn inclusion_paths() {
    let (tree, roots) = (tree(), hashes(&ROOTS));
    for (size, index, path) in INCLUSIONS {
        let proof = inclusion_proof(size, index, &tree).unwrap();
        assert_eq!(proof, hashes(path), "leaf {index} of {size}");
        let leaf = tree.hash(0, index).unwrap();
        verify_inclusion(&leaf, index, size, &proof, &roots[size as usize]).unwrap();
    }
    assert_eq!(inclusion_proof(8, 8, &tree), Err(ProofError::OutOfRange));
}

#[test]
fn consistency_proofs() {
    let (tree, roots) = (tree(), hashes(&ROOTS));
    for (from, to, path) in CONSISTENCIES {
        let proof = consistency_proof(from, to, &tree).unwrap();
        assert_eq!(proof, hashes(path), "{from} to {to}");
        verify_consistency(from, to, &proof, &roots[from as usize], &roots[to as usize]).unwrap();
    }
    assert_eq!(consistency_proof(9, 8, &tree), Err(ProofError::OutOfRange));
}
