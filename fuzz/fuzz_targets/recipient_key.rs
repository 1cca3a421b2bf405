//! Public and private keys, and wrapped content keys.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::{FileId, RecipientKey, RecipientPrivateKey, RecipientSuite, Secret, XWingPrivateKey};

static KEY: LazyLock<XWingPrivateKey> = LazyLock::new(|| {
    XWingPrivateKey::from_seed(Secret::fill_with(|seed| seed.fill(7))).expect("any seed is a key")
});

fuzz_target!(|bytes: &[u8]| {
    for suite in [RecipientSuite::RsaOaep256, RecipientSuite::HpkeXWing] {
        if let Ok(key) = RecipientKey::parse(suite, bytes) {
            assert_eq!(key.public(), bytes);
        }
        if let Ok(key) = RecipientPrivateKey::from_secret_bytes(suite, bytes) {
            assert!(RecipientKey::parse(suite, key.recipient_key().public()).is_ok());
        }
    }
    assert!(KEY.unwrap_cek(&FileId::from_bytes([0; 16]), bytes).is_err());
});
