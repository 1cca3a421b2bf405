//! Public keys of passkeys, and signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_crypto::{Es256Key, Rs256Key, VerifyingKey};

fuzz_target!(|input: (Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (key, exponent, signature) = input;
    let _refused = Es256Key::from_sec1(&key).map(|key| key.verifies(b"message", &signature));
    let _refused = Rs256Key::from_components(&key, &exponent).map(|key| key.verifies(b"message", &signature));
    let _refused = VerifyingKey::from_bytes(&key).map(|key| key.verifies(b"message", &signature));
});
