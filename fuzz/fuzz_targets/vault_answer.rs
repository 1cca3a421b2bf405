//! What a Vault answers to a keystore that keeps its keys there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_hsm::KeyKind;
use sceau_hsm::vault_parsers::Read;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    for kind in [KeyKind::Ed25519, KeyKind::RsaOaep256] {
        let Some(read) = Read::of(status, body, kind) else { return };
        assert!(read.words.chars().count() <= 300 && !read.words.chars().any(char::is_control));
        assert!(status == 200 || (!read.login && read.signature.is_none()));
    }
});
