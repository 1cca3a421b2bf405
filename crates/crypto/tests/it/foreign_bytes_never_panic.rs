//! Parsers of foreign bytes answer or refuse; they never panic. The same entries as the fuzz targets, over random
//! mutations of valid bytes, so that every build runs them.

use proptest::prelude::*;
use sceau_crypto::envelope::{StreamLayout, UnverifiedHeader};
use sceau_crypto::stream::{StreamOptions, open_stream};
use sceau_crypto::{
    Es256Key, FileId, Fingerprint, KeyId, Label, RecipientKey, RecipientPrivateKey, RecipientSuite, Rs256Key,
    SealedBlob, Secret, SigningKey, Typ, VerifyingKey, jws,
};

use crate::support::{RSA, XWING, sealed};

/// All parsers, on the same bytes.
fn parse_everything(bytes: &[u8]) {
    if let Ok((header, rest)) = UnverifiedHeader::parse_prefix(bytes) {
        assert_eq!([header.as_bytes(), rest].concat(), bytes);
        assert_eq!(UnverifiedHeader::parse(header.as_bytes()).as_ref(), Ok(&header));
        assert_eq!(UnverifiedHeader::length(bytes), Ok(header.as_bytes().len()));
    }
    let _refused = UnverifiedHeader::length(bytes);
    let _refused = open_stream(bytes, std::io::sink(), &XWING, StreamOptions::new());
    for suite in [RecipientSuite::RsaOaep256, RecipientSuite::HpkeXWing] {
        if let Ok(key) = RecipientKey::parse(suite, bytes) {
            assert_eq!(key.public(), bytes);
        }
        let _refused = RecipientPrivateKey::from_secret_bytes(suite, bytes);
    }
    let _refused = XWING.unwrap_cek(&FileId::from_bytes([0; 16]), bytes);
    let _refused = RSA.unwrap_cek(&FileId::from_bytes([0; 16]), bytes);
    if let Ok(blob) = SealedBlob::from_bytes(bytes.to_vec()) {
        assert!(blob.open(&Secret::fill_with(|key| key.fill(1)), Label::KeyAtRest, b"").is_err());
    }
    let verifying = VerifyingKey::from_bytes(bytes.get(..32).unwrap_or_default());
    let _refused = verifying.map(|key| key.verifies(b"message", bytes));
    let _refused = Es256Key::from_sec1(bytes).map(|key| key.verifies(b"message", bytes));
    let _refused = Rs256Key::from_components(bytes, &[1, 0, 1]).map(|key| key.verifies(b"message", bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _refused = jws::unverified_kid(text);
        let _refused = jws::unverified_payload(text);
        let _refused = jws::verify(text, Typ::Record, &signer().verifying_key());
        let _refused = (text.parse::<KeyId>(), text.parse::<FileId>(), text.parse::<Fingerprint>());
    }
}

fn signer() -> SigningKey {
    SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(5)))
}

fn corpus() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        sealed(b"", &[&XWING]),
        sealed(b"some text", &[&XWING, &RSA]),
        XWING.recipient_key().public().to_vec(),
        RSA.recipient_key().public().to_vec(),
        RSA.to_secret_bytes().expose().to_vec(),
        jws::sign(&signer(), Typ::Record, b"{}").into_bytes(),
        signer().verifying_key().fingerprint().to_string().into_bytes(),
    ]
}

#[test]
fn the_corpus_itself() {
    corpus().iter().for_each(|bytes| parse_everything(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        parse_everything(&bytes);
    }

    #[test]
    fn mutations_of_valid_bytes(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        let corpus = corpus();
        let mut bytes = corpus[which.index(corpus.len())].clone();
        for (at, value, kind) in changes {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, value),
                _ if at < bytes.len() => bytes[at] = value,
                _ => bytes.push(value),
            }
        }
        parse_everything(&bytes);
    }

    #[test]
    fn stream_layouts_agree(length in any::<u64>()) {
        if let Ok(layout) = StreamLayout::of_stream(length) {
            prop_assert_eq!(layout.stream(), length);
            prop_assert_eq!(StreamLayout::of_plaintext(layout.plaintext()), Ok(layout));
        }
    }
}
