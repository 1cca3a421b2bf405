//! Each code that a caller or the log reads, and each setting, stands in docs/gate.md.

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
        "issuing/keeper.rs",
        "issuing/trouble.rs",
        "lists/feed.rs",
        "lists/fetch.rs",
        "ocsp/call.rs",
        "outgoing/call.rs",
        "outgoing/words.rs",
        "request.rs",
        "route/host.rs",
        "upstream/mod.rs",
        "../../pki/src/fit.rs",
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

/// The fields of tables, as the file writes them.
fn settings(source: &str) -> Vec<&str> {
    let fields = source.lines().filter_map(|line| line.strip_prefix("    "));
    let fields = fields.map(|line| line.strip_prefix("pub(crate) ").unwrap_or(line));
    let fields = fields.filter_map(|line| line.split_once(": ").map(|(name, _)| name));
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_')
    };
    fields.filter(is_name).collect()
}

#[test]
fn each_setting_stands_in_the_table() {
    let at = |path: &str| fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let document = at("../../docs/gate.md");
    let (_, table) = document.split_once("## All settings").unwrap();
    let mut found = 0;
    for file in ["settings.rs", "issuing/settings.rs", "ocsp/settings.rs", "observe/settings.rs"] {
        let source = at(&format!("src/{file}"));
        for tables in source.split("Deserialize").skip(1).filter_map(|part| part.split_once("\n}")) {
            for setting in settings(tables.0) {
                found += 1;
                let names = ["lists", "observe", "listener", "outgoing", "route", "pass"];
                let is_named = names.contains(&setting) || table.contains(&format!("`{setting}`"));
                assert!(is_named, "{file}: {setting}");
            }
        }
    }
    assert!(found >= 40, "they are found: {found}");
}
