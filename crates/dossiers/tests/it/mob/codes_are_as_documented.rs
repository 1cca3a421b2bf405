//! `docs/problem-codes-mob.md` is what MOB's clients are debugged with: it changes when the code does, under review.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sceau_dossiers::mob::http::MobCode;

use crate::reviewed::Reviewed;

const REVIEWED: Reviewed = Reviewed("problem-codes-mob.md");

fn document() -> String {
    let mut text = String::from(
        "# Codes of MOB's host\n\n\
         Its refusals have MOB's form, `{\"error\": {\"statusCode\", \"name\", \"message\", \"path\", \"resourceName\"}}`, and beside it a stable `code`\n\
         in snake case and `details`: what to do. Programs made for MOB match on status and message, which are MOB's where it has one; new ones\n\
         match on the code. The same codes are in records of the log. The table is `crates/dossiers/src/mob/http/refusal.rs`; a test compares this\n\
         file with it, and `cargo test -p sceau-dossiers --test it accept_the_reviewed -- --ignored` writes it anew.\n\
         Who is turned away by its certificate is told so in the same form, under the codes of\n\
         [problem-codes.md](problem-codes.md#certificates-of-callers-where-they-are-asked-for).\n\n\
         | code | status | at fault | message | what to do |\n|---|---|---|---|---|\n",
    );
    let lines: BTreeMap<&str, &MobCode> = MobCode::ALL.iter().map(|code| (code.as_str(), code)).collect();
    for (name, code) in lines {
        let (status, fault) = (code.http_status(), code.at_fault().as_str());
        let _ = writeln!(text, "| `{name}` | {status} | {fault} | {} | {} |", code.title(), code.remedy());
    }
    text
}

#[test]
fn the_document_lists_what_the_code_says() {
    REVIEWED.assert(&document());
}

#[test]
#[ignore = "writes docs/problem-codes-mob.md anew: run it to accept a change, then read the difference"]
fn accept_the_reviewed_mob_codes() {
    REVIEWED.accept(&document());
}

#[test]
fn each_code_is_of_this_host_and_in_snake_case() {
    for code in MobCode::ALL {
        let name = code.as_str();
        assert!(
            name.starts_with("mob_") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
    }
}
