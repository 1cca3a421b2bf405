//! `docs/problem-codes-keyrings.md` is what providers and terminals are written against: it changes when the code does, under review.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use sceau_keyrings::KeyringsCode;

fn document() -> String {
    let mut text = String::from(
        "# Codes of the host of keyrings\n\n\
         What it refuses itself. It passes on the element's codes and those of certificates too, which are in [problem-codes.md](problem-codes.md). The\n\
         table is `crates/keyrings/src/code.rs`; a test compares this file with it, and\n\
         `cargo test -p sceau-keyrings --test it accept_the_reviewed -- --ignored` writes it anew.\n\n\
         | code | status | at fault | message | what to do |\n|---|---|---|---|---|\n",
    );
    let lines: BTreeMap<&str, &KeyringsCode> =
        KeyringsCode::ALL.iter().map(|code| (code.as_str(), code)).collect();
    for (name, code) in lines {
        let (status, fault) = (code.http_status(), code.at_fault().as_str());
        let _ = writeln!(text, "| `{name}` | {status} | {fault} | {} | {} |", code.title(), code.remedy());
    }
    text
}

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problem-codes-keyrings.md")
}

#[test]
fn the_document_lists_what_the_code_says() {
    assert_eq!(std::fs::read_to_string(file()).unwrap(), document());
}

#[test]
#[ignore = "writes docs/problem-codes-keyrings.md anew: run it to accept a change, then read the difference"]
fn accept_the_reviewed_codes_of_keyrings() {
    std::fs::write(file(), document()).unwrap();
}
