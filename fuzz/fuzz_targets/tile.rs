//! Paths and contents of tiles, as a log serves them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::{Bundle, Tile};

fuzz_target!(|input: (String, Vec<u8>)| {
    let (path, bytes) = input;
    if let Ok(tile) = Tile::parse_path(&path) {
        assert_eq!(tile.to_string(), path);
        let _refused = tile.parse_bytes(&bytes);
    }
    if let Ok(bundle) = Bundle::parse_path(&path) {
        assert_eq!(bundle.to_string(), path);
        let _refused = bundle.parse_bytes(&bytes);
    }
});
