//! Each code that a caller or the log reads stands in docs/gate.md.

use std::fs;

/// Of roles, which a gate does not ask for.
const OF_OTHERS: [&str; 2] = ["certificate_wrong_role", "certificate_no_role"];

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
        "answer.rs",
        "check.rs",
        "forward.rs",
        "guard/denial.rs",
        "lists/feed.rs",
        "lists/fetch.rs",
        "ocsp/call.rs",
        "outgoing/call.rs",
        "outgoing/words.rs",
        "request.rs",
        "route/host.rs",
        "upstream/mod.rs",
        "../../pki/src/judge.rs",
        "../../pki/src/ocsp/refusal.rs",
    ] {
        for code in codes(&at(&format!("src/{file}"))) {
            if OF_OTHERS.contains(&code) {
                continue;
            }
            found += 1;
            assert!(document.contains(&format!("`{code}`")), "{file}: {code}");
        }
    }
    assert!(found >= 50, "they are found: {found}");
}
