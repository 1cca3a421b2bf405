//! Signed statements: no text that the key did not sign verifies.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::{Secret, SigningKey, Typ, jws};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(5))));

fuzz_target!(|text: &str| {
    let _refused = jws::unverified_kid(text);
    let _refused = jws::unverified_payload(text);
    for typ in Typ::ALL {
        assert!(jws::verify(text, *typ, &KEY.verifying_key()).is_err());
    }
});
