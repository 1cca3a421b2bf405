//! The name and type that a sender chose: those that are accepted keep the rules, and the disk is given a name that harms nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_client::name::for_disk;
use sceau_crypto::envelope::Metadata;

fuzz_target!(|input: (String, String)| {
    if let Ok(metadata) = Metadata::new(&input.0, &input.1) {
        assert!(!metadata.name().contains(['/', '\\', '\0', '\n', '\r']));
        assert!(std::path::Path::new(metadata.name()).file_name().is_some());
    }
    // What is written to a disk is one visible name, whatever an envelope says.
    let name = for_disk(&input.0);
    assert!((1..=255).contains(&name.len()) && !name.starts_with(['.', '-', '~']));
    assert!(!name.contains(|c: char| c.is_control() || "/\\:*?\"<>|\u{202e}".contains(c)));
    assert_eq!(for_disk(&name), name);
});
