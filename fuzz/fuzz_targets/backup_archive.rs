//! The archive in a backup of a key manager: whoever has its note can seal another to the same key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_keymanager::parsers::archive;

const BLOCK: usize = 512;

/// A header of a file (POSIX.1-2017, pax, ustar), with its checksum put right: what is after it is reached.
fn put_right(tar: &mut [u8]) {
    for block in tar.chunks_exact_mut(BLOCK) {
        if !block.starts_with(&[0]) {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().copied().map(u32::from).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

fuzz_target!(|input: (bool, &[u8])| {
    let (right, bytes) = input;
    let mut tar = bytes.to_vec();
    if right {
        put_right(&mut tar);
    }
    if let Some((files, total)) = archive(&tar, b"the note") {
        assert!(files >= 3 && total <= tar.len() as u64);
    }
});
