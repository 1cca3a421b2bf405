//! Signed notes, checkpoints and verifier keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::{Note, SignedCheckpoint, VerifierKey};

fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(signed) = SignedCheckpoint::parse(text) {
        assert_eq!(signed.unverified().to_text(), signed.note().text());
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
});
