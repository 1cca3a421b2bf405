//! Names: refused, or written back as they were read, from DER and from text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_pki::Name;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(name) = Name::from_der(bytes) {
        assert_eq!(name.to_der(), bytes);
        // Text forgets string types and the order within a part, so it settles after one turn.
        let again: Name = name.to_string().parse().expect("what is written is read");
        assert_eq!(again.to_string().parse::<Name>().as_ref(), Ok(&again));
    }
    if let Some(name) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Name>().ok()) {
        assert_eq!(name.to_string().parse::<Name>().as_ref(), Ok(&name));
        assert_eq!(Name::from_der(&name.to_der()).as_ref(), Ok(&name));
    }
});
