//! What a citizen's page sends to the intake: how it begins, what it announces, and a file in whatever pieces it comes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_dossiers::intake::parsers;
use sceau_element_api::documents::{Document as _, SchemeDocument};

const TYPES: [(&str, &[u8]); 3] = [
    ("application/pdf", b"%PDF-1.7\n"),
    ("image/jpeg", b"\xff\xd8\xff\xe0"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
];

static FORM: LazyLock<SchemeDocument> = LazyLock::new(|| {
    let form = br#"{"v":1,"scheme":"0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77","organisation":"1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77",
        "title":{"fr":"a","en":"a"},"description":{"fr":"a","en":"a"},"documents":[],"form":[
        {"name":"km","label":{"fr":"a","en":"a"},"kind":"number","required":true,"sensitive":false},
        {"name":"since","label":{"fr":"a","en":"a"},"kind":"date","required":false,"sensitive":true}]}"#;
    SchemeDocument::parse(form).expect("a form").document
});

fuzz_target!(|input: (u8, Vec<u8>, &[u8])| {
    let (which, lengths, bytes) = input;
    let (media_type, magic) = TYPES[usize::from(which) % TYPES.len()];
    // Half of the files begin as they should.
    let file = if which < 128 { [magic, bytes].concat() } else { bytes.to_vec() };
    let whole = parsers::file(media_type, [file.as_slice()]);
    let mut rest = file.as_slice();
    let mut pieces: Vec<&[u8]> = Vec::new();
    for length in lengths {
        let (piece, left) = rest.split_at(usize::from(length).min(rest.len()));
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    assert_eq!(parsers::file(media_type, pieces), whole, "however it is cut");
    parsers::announcement(bytes);
    parsers::beginning(bytes, &FORM);
});
