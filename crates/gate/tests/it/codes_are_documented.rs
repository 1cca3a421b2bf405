//! Each code that a caller or the log reads stands in docs/gate.md.

use std::fs;

use sceau_pki::Refusal;

/// The words in quotation marks that look like codes.
fn codes(source: &str) -> Vec<&str> {
    let words = source.split('"').skip(1).step_by(2);
    let is_code = |word: &&str| {
        word.contains('_') && word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_')
    };
    words.filter(is_code).collect()
}

#[test]
fn each_code_stands_in_the_document() {
    let at = |path: &str| fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let document = at("../../docs/gate.md");
    let mut found = 0;
    for file in [
        "guard.rs",
        "request.rs",
        "forward.rs",
        "upstream/mod.rs",
        "lists/feed.rs",
        "outgoing/door.rs",
        "outgoing/words.rs",
        "ocsp/call.rs",
        "../../pki/src/ocsp/refusal.rs",
    ] {
        for code in codes(&at(&format!("src/{file}"))) {
            found += 1;
            assert!(document.contains(&format!("`{code}`")), "{file}: {code}");
        }
    }
    assert!(found >= 15, "they are found: {found}");
    for refusal in [
        Refusal::Missing,
        Refusal::Malformed,
        Refusal::Untrusted,
        Refusal::BadSignature,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::Revoked,
        Refusal::RevocationUnknown,
        Refusal::WrongIssuer,
        Refusal::WrongPurpose,
        Refusal::UnknownCriticalExtension,
        Refusal::Unacceptable,
    ] {
        assert!(document.contains(&format!("`{}`", refusal.code())), "{}", refusal.code());
    }
}
