//! A whole envelope, whose reader holds a key: only authentic bytes come out. An input is a change to an envelope that is
//! right: which part of it to keep, and what to put in.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::envelope::Metadata;
use sceau_crypto::stream::{StreamOptions, open_stream, seal_stream};
use sceau_crypto::{RecipientPrivateKey, Secret, XWingPrivateKey};

const TEXT: &[u8] = b"a text to protect";

static KEY: LazyLock<RecipientPrivateKey> = LazyLock::new(|| {
    let key = XWingPrivateKey::from_seed(Secret::fill_with(|seed| seed.fill(7)));
    RecipientPrivateKey::XWing(key.expect("any seed is a key"))
});

static ENVELOPE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let metadata = Metadata::new("name", "text/plain").expect("a name and a type");
    let mut envelope = Vec::new();
    let recipients = [KEY.recipient_key().clone()];
    seal_stream(TEXT, &mut envelope, &recipients, metadata, StreamOptions::new()).expect("a small envelope");
    envelope
});

fuzz_target!(|input: (u16, u16, Vec<u8>)| {
    let (at, length, bytes) = input;
    let mut envelope = ENVELOPE.clone();
    let at = usize::from(at).min(envelope.len());
    let end = (at + usize::from(length)).min(envelope.len());
    envelope.splice(at..end, bytes);
    let mut text = Vec::new();
    let opened = open_stream(envelope.as_slice(), &mut text, &KEY, StreamOptions::new());
    assert_eq!(opened.is_ok(), envelope == *ENVELOPE);
    assert!(TEXT.starts_with(&text));
});
