//! What a backup of a key manager says of itself, read before anything in the file is authenticated.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_keymanager::BackupNote;

fuzz_target!(|line: &[u8]| {
    if let Some(note) = BackupNote::parse(line) {
        assert_eq!(BackupNote::parse(&note.to_bytes()), Some(note));
    }
});
