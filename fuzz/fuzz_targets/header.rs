//! An envelope's header: what parses is what was given, and parses again to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_crypto::envelope::UnverifiedHeader;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((header, rest)) = UnverifiedHeader::parse_prefix(bytes) {
        assert_eq!([header.as_bytes(), rest].concat(), bytes);
        assert_eq!(UnverifiedHeader::parse(header.as_bytes()).as_ref(), Ok(&header));
        assert_eq!(UnverifiedHeader::length(bytes), Ok(header.as_bytes().len()));
    }
});
