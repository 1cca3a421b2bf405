//! Other people's implementations of the same specifications, on the same trees, tiles, notes and checkpoints.

use crate::support::{ORIGIN, TestSigner, cases, tree};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use sceau_trace::*;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles as judge;

struct Judged<'a>(&'a LogTree);

impl judge::HashReader for Judged<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<judge::Hash>, judge::Error> {
        let read = |index: &u64| {
            let (level, number) = judge::split_stored_hash_index(*index);
            theirs(&self.0.hash(level, number).unwrap())
        };
        Ok(indexes.iter().map(read).collect())
    }
}

fn theirs(hash: &Hash) -> judge::Hash {
    judge::Hash(*hash.as_bytes())
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn on_roots_and_proofs(size in 1u64..5000, index: u64, from: u64) {
        let (tree, index, from) = (tree(size), index % size, 1 + from % size);
        let (leaf, root) = (tree.hash(0, index).unwrap(), tree.root());
        prop_assert_eq!(judge::record_hash(&index.to_be_bytes()).0, *leaf.as_bytes());
        prop_assert_eq!(judge::tree_hash(size, &Judged(&tree)).unwrap().0, *root.as_bytes());

        let ours = inclusion_proof(size, index, &tree).unwrap();
        let path: Vec<judge::Hash> = ours.iter().map(theirs).collect();
        prop_assert_eq!(&judge::prove_record(size, index, &Judged(&tree)).unwrap(), &path);
        judge::check_record(&path, size, theirs(&root), index, theirs(&leaf)).unwrap();

        let ours = consistency_proof(from, size, &tree).unwrap();
        let path: Vec<judge::Hash> = ours.iter().map(theirs).collect();
        prop_assert_eq!(&judge::prove_tree(size, from, &Judged(&tree)).unwrap(), &path);
        let old = root_at(from, &tree).unwrap();
        judge::check_tree(&path, size, theirs(&root), from, theirs(&old)).unwrap();
    }

    #[test]
    fn on_tiles(old in 0u64..70_000, more in 0u64..70_000) {
        let new = old + more;
        let ours = Tile::written(old, new);
        let judged = judge::Tile::new_tiles(8, old, new);
        let paths = |tiles: &[judge::Tile]| -> Vec<String> {
            // Their paths carry the height, as Go's do: tile/8/<level>/…
            tiles.iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect()
        };
        prop_assert_eq!(ours.iter().map(Tile::to_string).collect::<Vec<_>>(), paths(&judged));
    }
}

#[test]
fn on_the_bytes_of_tiles() {
    let tree = tree(66_000);
    for (ours, judged) in Tile::written(65_000, 66_000).iter().zip(judge::Tile::new_tiles(8, 65_000, 66_000))
    {
        assert_eq!(ours.bytes(&tree).unwrap(), judged.read_data(&Judged(&tree)).unwrap(), "{ours}");
    }
}

#[test]
fn on_a_checkpoint_that_we_signed() {
    let log = TestSigner::log();
    let tree = tree(1000);
    let checkpoint =
        Checkpoint::new(ORIGIN, 1000, tree.root()).unwrap().with_map_root(sha256(b"map")).unwrap();
    let text = log.checkpoint(&checkpoint).note().to_string();
    let note = signed_note::Note::from_bytes(text.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&log.key.to_string()).unwrap();
    let (verified, others) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 0));
    let judged = judge::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((judged.origin(), judged.size()), (ORIGIN, 1000));
    assert_eq!(judged.hash().0, *tree.root().as_bytes());
    assert_eq!(judged.extension(), format!("map-root {}\n", STANDARD.encode(sha256(b"map"))));
}

#[test]
fn on_a_checkpoint_that_they_signed() {
    let log = TestSigner::log();
    let private = STANDARD.encode([&[0x01][..], &[1; 32]].concat()); // the seed of TestSigner::log
    let signer = format!("PRIVATE+KEY+{ORIGIN}+{}+{private}", hex::encode(log.key.id()));
    let signer = StandardSigner::new(&signer).unwrap();
    let root = tree(77).root();
    let judged = judge::Checkpoint::new(ORIGIN, 77, theirs(&root), "an extension\n").unwrap();
    let mut note = signed_note::Note::new(&judged.to_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let text = String::from_utf8(note.to_bytes()).unwrap();
    let read = SignedCheckpoint::parse(&text).unwrap().verify(&log.key).unwrap();
    assert_eq!((read.size(), read.root()), (77, root));
    assert_eq!(read.extensions(), ["an extension"]);
}
