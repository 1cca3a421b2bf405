use crate::support::{cases, tree};
use proptest::prelude::*;
use sceau_trace::*;
use std::collections::HashMap;

fn paths(tiles: &[Tile]) -> Vec<String> {
    tiles.iter().map(Tile::to_string).collect()
}

#[test]
fn the_specification_s_examples() {
    let all = Tile::written(0, 70_000);
    let of = |level, full| all.iter().filter(|tile| tile.level() == level && tile.is_full() == full).count();
    assert_eq!((of(0, true), of(0, false), of(1, true), of(1, false), of(2, false)), (273, 1, 1, 1, 1));
    assert_eq!(paths(&all[273..]), ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
    assert_eq!(paths(&Tile::written(0, 256)), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(Tile::at(0, 1_234_067, u64::MAX).unwrap().to_string(), "tile/0/x001/x234/067");
    assert_eq!(
        Bundle::at(1_234_067, 1_234_067 * 256 + 8).unwrap().to_string(),
        "tile/entries/x001/x234/067.p/8"
    );
    assert_eq!(Tile::at(0, 1, 256), None, "an empty tile does not exist");
    assert!(Tile::written(70_000, 70_000).is_empty());
    assert_eq!(paths(&Tile::written(255, 257)), ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
    assert_eq!(Bundle::written(255, 257).iter().map(Bundle::width).collect::<Vec<_>>(), [256, 1]);
}

#[test]
fn only_the_one_path_of_a_tile_is_read() {
    for path in [
        "tile/0/000",
        "tile/63/999.p/255",
        "tile/8/x001/x234/067",
        "tile/0/x072/x057/x594/x037/x927/934",
        "tile/0/x001/000.p/1",
    ] {
        assert_eq!(Tile::parse_path(path).unwrap().to_string(), path);
    }
    for path in [
        "",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/x001/x234/+67",
        "tile/entries/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x072/x057/x594/x037/x927/935",
    ] {
        assert_eq!(Tile::parse_path(path), Err(TileError::Path), "{path}");
    }
    assert_eq!(Bundle::parse_path("tile/entries/x001/000.p/9").unwrap().start(), 256_000);
    for path in ["tile/0/000", "tile/entries/", "tile/entries/0", "entries/000"] {
        assert_eq!(Bundle::parse_path(path), Err(TileError::Path), "{path}");
    }
}

/// Anybody may ask for it: whoever adds its width to its start must not overflow.
#[test]
fn the_last_bundle_that_has_a_path_ends_within_the_numbers() {
    let last = Bundle::parse_path("tile/entries/x072/x057/x594/x037/x927/934").unwrap();
    assert!(last.start().checked_add(u64::from(last.width())).is_some());
    assert!(Bundle::parse_path("tile/entries/x072/x057/x594/x037/x927/935").is_err());
}

#[test]
fn bundles_carry_entries_and_nothing_else() {
    let bundle = Bundle::at(0, 3).unwrap();
    let entries = [b"".to_vec(), b"a".to_vec(), vec![7; MAX_RECORD_BYTES]];
    let bytes = bundle.bytes(&entries).unwrap();
    assert_eq!(bytes[..5], [0, 0, 0, 1, b'a']);
    assert_eq!(bundle.parse_bytes(&bytes).unwrap(), entries);
    assert_eq!(bundle.bytes(&entries[..2]), Err(TileError::WrongLength));
    assert_eq!(Bundle::at(0, 1).unwrap().bytes(&[vec![0; 65_536]]), Err(TileError::EntryTooLong));
    for wrong in [
        &bytes[..bytes.len() - 1],
        &bytes[..3],
        &[&bytes[..], &[0, 0]].concat(),
        &[&bytes[..], &[0]].concat(),
    ] {
        assert_eq!(bundle.parse_bytes(wrong), Err(TileError::WrongLength));
    }
    assert_eq!(Tile::at(0, 0, 2).unwrap().parse_bytes(&[0; 63]), Err(TileError::WrongLength));
}

/// What a server would have after growing through these sizes.
fn served(tree: &LogTree, sizes: &[u64]) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    for step in sizes.windows(2) {
        for tile in Tile::written(step[0], step[1]) {
            files.insert(tile.to_string(), tile.bytes(tree).unwrap());
        }
    }
    files
}

#[test]
fn a_hash_of_another_size_s_tile_is_missing_not_wrong() {
    let tree = tree(300);
    let reader = TileReader::new(300, |_| None);
    assert_eq!(reader.hash(0, 5), Err(MissingHash { level: 0, index: 5 }));
    let reader = TileReader::new(300, |tile| tile.bytes(&tree).ok().map(|bytes| bytes[32..].to_vec()));
    assert!(reader.hash(0, 5).is_err());
    let reader = TileReader::new(299, |tile| tile.bytes(&tree).ok());
    for (level, index) in [(0, 299), (1, 149), (2, 74), (8, 1), (9, 0), (70, u64::MAX)] {
        assert_eq!(
            reader.hash(level, index),
            Err(MissingHash { level, index }),
            "an incomplete subtree has no hash"
        );
    }
    assert_eq!(reader.hash(8, 0), tree.hash(8, 0));
}

/// The proof between two sizes, from what a server has; how many tiles it took.
fn grown(from: u64, to: u64, fetch: impl Fn(Tile) -> Vec<u8>) -> Result<(Vec<Hash>, usize), ProofError> {
    let (mut growth, mut asked) = (Growth::between(from, to), Vec::new());
    loop {
        match growth.step()? {
            GrowthStep::Proven(proof) => return Ok((proof, asked.len())),
            GrowthStep::Wants(tile) => {
                assert!(!asked.contains(&tile), "{tile} is asked for twice");
                growth.take(tile, fetch(tile));
                asked.push(tile);
            }
        }
    }
}

#[test]
fn growth_is_proven_by_few_tiles_each_asked_for_once() {
    let tree = tree(70_000);
    for (from, to, most) in
        [(0, 70_000, 0), (70_000, 70_000, 0), (1, 2, 1), (255, 257, 3), (69_999, 70_000, 4), (300, 70_000, 5)]
    {
        let (proof, tiles) = grown(from, to, |tile| tile.bytes(&tree).unwrap()).unwrap();
        assert_eq!(proof, consistency_proof(from, to, &tree).unwrap());
        assert!(tiles <= most, "{from} to {to}: {tiles}");
        // A server that has full tiles in the place of partial ones.
        let full = |tile: Tile| [tile.bytes(&tree).unwrap(), vec![7; 32 * 256]].concat();
        assert_eq!(grown(from, to, full).unwrap().0, proof);
    }
    assert!(grown(300, 70_000, |_| Vec::new()).is_err(), "a tile that is none");
    assert_eq!(grown(2, 1, |_| unreachable!()), Err(ProofError::OutOfRange));
    let partial = Tile::at(0, 1, 300).unwrap();
    assert_eq!(
        (partial.to_string(), partial.full().to_string()),
        ("tile/0/001.p/44".into(), "tile/0/001".into())
    );
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn every_proof_can_be_made_from_tiles_alone(
        mut sizes in proptest::collection::btree_set(1u64..70_000, 1..5), index: u64, from: u64
    ) {
        let size = *sizes.last().unwrap();
        sizes.insert(0);
        let tree = tree(size);
        let files = served(&tree, &sizes.into_iter().collect::<Vec<_>>());
        let reader = TileReader::new(size, |tile| files.get(&tile.to_string()).cloned());
        prop_assert_eq!(root_at(size, &reader).unwrap(), tree.root());
        let (index, from) = (index % size, from % size);
        prop_assert_eq!(inclusion_proof(size, index, &reader), inclusion_proof(size, index, &tree));
        prop_assert_eq!(consistency_proof(from, size, &reader), consistency_proof(from, size, &tree));
    }

    #[test]
    fn paths_round_trip(level in 0u8..64, index in 0u64..1 << 50, width in 1u16..=256) {
        let suffix = if width == 256 { String::new() } else { format!(".p/{width}") };
        let bundle = Bundle::at(index, index * 256 + u64::from(width)).unwrap();
        let path = bundle.to_string();
        prop_assert!(path.ends_with(&suffix));
        prop_assert_eq!(Bundle::parse_path(&path).unwrap(), bundle);
        let tile = path.replace("entries", &level.to_string());
        prop_assert_eq!(Tile::parse_path(&tile).unwrap().to_string(), tile);
    }
}
