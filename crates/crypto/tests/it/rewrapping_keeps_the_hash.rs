//! Re-wrapping changes who opens an envelope, never what it holds nor its name.

use sceau_crypto::envelope::{OpenError, UnverifiedHeader};
use sceau_crypto::stream::{StreamOptions, open_stream};

use crate::support::{RSA, XWING, new_key, public, sealed, text};

#[test]
fn rewrapped_envelopes_open_for_the_new_recipient_with_the_same_hash() {
    let text = text(1_100_000);
    let envelope = sealed(&text, &[&RSA]);
    let (header, stream) = UnverifiedHeader::parse_prefix(&envelope).unwrap();
    let rewrapped = header.clone().unlock(&RSA).unwrap().rewrap(&public(&[&XWING])).unwrap();

    let fixed = |header: &[u8]| UnverifiedHeader::parse(header).unwrap().fixed().to_bytes();
    assert_eq!(fixed(&rewrapped), header.fixed().to_bytes());
    assert_ne!(rewrapped, header.as_bytes());

    let hash = |envelope: &[u8], key| {
        let mut out = Vec::new();
        let opened = open_stream(envelope, &mut out, key, StreamOptions::new().with_hash()).unwrap();
        assert!(out == text);
        opened.hash.unwrap()
    };
    let new = [rewrapped.as_slice(), stream].concat();
    assert_eq!(hash(&envelope, &*RSA), hash(&new, &*XWING));
    let (header, _) = UnverifiedHeader::parse_prefix(&new).unwrap();
    assert_eq!(header.unlock(&RSA).map(|_| ()), Err(OpenError::NotARecipient));
}

#[test]
fn whoever_holds_no_key_computes_the_same_hash() {
    let envelope = sealed(&text(1_100_000), &[&XWING]);
    let (header, stream) = UnverifiedHeader::parse_prefix(&envelope).unwrap();
    let mut hasher = header.hasher();
    for part in stream.chunks(1 << 20) {
        hasher.part(part);
    }
    let mut out = Vec::new();
    let opened =
        open_stream(envelope.as_slice(), &mut out, &XWING, StreamOptions::new().with_hash()).unwrap();
    assert_eq!(opened.hash, Some(hasher.finish()));
}

#[test]
fn another_content_has_another_hash() {
    let hash = |size: usize| {
        let envelope = sealed(&text(size), &[&XWING]);
        let mut out = Vec::new();
        open_stream(envelope.as_slice(), &mut out, &XWING, StreamOptions::new().with_hash()).unwrap().hash
    };
    assert_ne!(hash(10), hash(10), "each sealing is another file version");
}

#[test]
fn one_who_was_never_a_recipient_cannot_rewrap() {
    let envelope = sealed(b"text", &[&RSA]);
    let (header, _) = UnverifiedHeader::parse_prefix(&envelope).unwrap();
    assert!(header.unlock(&new_key()).is_err());
}
