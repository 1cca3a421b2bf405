//! Vectors of the RFCs and of Project Wycheproof, and what must never decrypt.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod messages;
mod rfc;
mod wycheproof;

use super::*;

/// Each algorithm with each kind of key that it takes.
const ALL: [(KeyKind, KeyAlgorithm); 6] = [
    (KeyKind::P256, KeyAlgorithm::EcdhEs),
    (KeyKind::P256, KeyAlgorithm::EcdhEsA256Kw),
    (KeyKind::X25519, KeyAlgorithm::EcdhEs),
    (KeyKind::X25519, KeyAlgorithm::EcdhEsA256Kw),
    (KeyKind::Rsa, KeyAlgorithm::RsaOaep256),
    (KeyKind::Rsa, KeyAlgorithm::DangerRsaOaepSha1),
];

/// A key of each kind, for each algorithm; made once, since RSA takes long.
fn keys() -> &'static [PrivateKey] {
    static KEYS: std::sync::LazyLock<Vec<PrivateKey>> = std::sync::LazyLock::new(|| {
        ALL.iter().map(|(kind, algorithm)| PrivateKey::generate(*kind, *algorithm).unwrap()).collect()
    });
    &KEYS
}
