//! The name and type that a sender chose: those that are accepted keep the rules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_crypto::envelope::Metadata;

fuzz_target!(|input: (String, String)| {
    if let Ok(metadata) = Metadata::new(&input.0, &input.1) {
        assert!(!metadata.name().contains(['/', '\\', '\0', '\n', '\r']));
        assert!(std::path::Path::new(metadata.name()).file_name().is_some());
    }
});
