//! Addresses of keys in tokens: refused, or written back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_hsm::pkcs11::Pkcs11Uri;

fuzz_target!(|text: &str| {
    if let Ok(uri) = text.parse::<Pkcs11Uri>() {
        assert_eq!(uri.to_string().parse::<Pkcs11Uri>().as_ref(), Ok(&uri));
    }
});
