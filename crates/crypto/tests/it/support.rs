//! Keys and files that several tests use.

use std::sync::LazyLock;

use sceau_crypto::envelope::Metadata;
use sceau_crypto::stream::{StreamOptions, seal_stream};
use sceau_crypto::{RecipientKey, RecipientPrivateKey, RsaPrivateKey, RsaSize, XWingPrivateKey};

/// Making an RSA key is slow: one for all tests.
pub(crate) static RSA: LazyLock<RecipientPrivateKey> =
    LazyLock::new(|| RecipientPrivateKey::Rsa(Box::new(RsaPrivateKey::generate(RsaSize::Bits2048).unwrap())));

pub(crate) static XWING: LazyLock<RecipientPrivateKey> = LazyLock::new(new_key);

pub(crate) fn new_key() -> RecipientPrivateKey {
    RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap())
}

pub(crate) fn metadata() -> Metadata {
    Metadata::new("justificatif.pdf", "application/pdf").unwrap()
}

pub(crate) fn public(keys: &[&RecipientPrivateKey]) -> Vec<RecipientKey> {
    keys.iter().map(|key| key.recipient_key().clone()).collect()
}

/// Bytes without a period that a part could fall on.
pub(crate) fn text(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

pub(crate) fn sealed(text: &[u8], keys: &[&RecipientPrivateKey]) -> Vec<u8> {
    let mut envelope = Vec::new();
    seal_stream(text, &mut envelope, &public(keys), metadata(), StreamOptions::new()).unwrap();
    envelope
}

pub(crate) const FIRST: usize = 1_048_520;
pub(crate) const OTHER: usize = 1_048_560;
