//! Encrypted messages and public keys: nothing that a stranger made up decrypts, and what is taken of a header or a key is written as it was read.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::jose::PublicJwk;
use sceau_crypto::jose::jwe::{Encrypted, Fields, KeyAlgorithm, KeyKind, PrivateKey};

static KEYS: LazyLock<Vec<PrivateKey>> = LazyLock::new(|| {
    let kinds = [KeyKind::P256, KeyKind::X25519];
    let algorithms = [KeyAlgorithm::EcdhEs, KeyAlgorithm::EcdhEsA256Kw];
    kinds
        .iter()
        .flat_map(|kind| algorithms.iter().map(|algorithm| (*kind, *algorithm)))
        .map(|(kind, algorithm)| PrivateKey::from_secret_bytes(kind, algorithm, &[7; 32]).expect("a scalar"))
        .collect()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(message) = Encrypted::parse(text, KeyAlgorithm::HOUSE)
    {
        for key in KEYS.iter() {
            // A corpus that knows these public keys may hold a message to one of them.
            let _refused = message.decrypt(key);
        }
    }
    if let Ok(key) = PublicJwk::parse(bytes) {
        let again = PublicJwk::parse(key.to_json().as_bytes()).expect("what is written is read");
        assert_eq!((again.thumbprint(), &again), (key.thumbprint(), &key));
    }
    let _refused = PrivateKey::from_jwk(bytes, KeyAlgorithm::HOUSE);
    for key in KEYS.iter() {
        let fields = Fields { apu: bytes.get(..bytes.len().min(256)).unwrap_or_default(), ..Fields::default() };
        if let Ok(message) = key.public().encrypt(&fields, bytes) {
            let message = Encrypted::parse(&message, KeyAlgorithm::HOUSE).expect("a message of ours");
            assert_eq!(message.decrypt(key).expect("to this key").expose(), bytes);
        }
    }
});
