//! Certificates and the names in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_pki::{Certificate, Name};

fuzz_target!(|bytes: &[u8]| {
    let _refused = Certificate::from_der(bytes, "the certificate");
    let _refused = Name::from_der(bytes).map(|name| name.to_string());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _refused = Certificate::all_from_pem(text, "the certificates");
    }
});
