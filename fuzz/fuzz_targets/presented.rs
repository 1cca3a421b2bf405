//! What a gate forwards of a caller's certificates (RFC 9440): a chain, nothing, or what is refused; never nothing where something was said.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use sceau_dossiers::parsers::presented;

fuzz_target!(|sent: (Option<&[u8]>, Option<&[u8]>, Option<&[u8]>)| {
    let mut headers = HeaderMap::new();
    let names = ["client-cert", "client-cert-chain", "client-cert"];
    for (name, value) in names.into_iter().zip([sent.0, sent.1, sent.2]) {
        if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value).ok()) {
            headers.append(name, value);
        }
    }
    let said = headers.get_all("client-cert").iter().count();
    match presented(&headers) {
        Some(0) => assert!(headers.is_empty()),
        Some(length) => assert!(said == 1 && (1..=8).contains(&length)),
        None => assert!(!headers.is_empty()),
    }
});
