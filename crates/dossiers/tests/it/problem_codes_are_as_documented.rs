//! `docs/problem-codes.md` is what pages and programs are written against: it changes when the code does, under review.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sceau_element_api::problem::AtFault;
use sceau_element_api::proof::ProofError;
use sceau_element_api::wire;

use crate::reviewed::Reviewed;

const REVIEWED: Reviewed = Reviewed("problem-codes.md");

/// Status, who is at fault, title, what to do.
type Line = (u16, AtFault, &'static str, &'static str);

const IN_DETAIL: &str = "What `detail` says.";

/// Every code that the platform answers with, by the room that says it. A code that two rooms give is the lower one's.
fn rooms() -> [(&'static str, BTreeMap<&'static str, Line>); 5] {
    use sceau_accounts::Code as People;
    use sceau_accounts::callers::CallerCode as Callers;
    use sceau_dossiers::Code as Dossiers;
    use sceau_dossiers::intake::IntakeCode as Intake;
    let of_status = |status| if status < 500 { AtFault::Caller } else { AtFault::Platform };
    let shared: BTreeMap<_, Line> = People::ALL
        .iter()
        .map(|code| (code.as_str(), (code.http_status(), code.at_fault(), code.title(), code.remedy())))
        .collect();
    let own: BTreeMap<_, Line> = Dossiers::ALL
        .iter()
        .map(|code| (code.as_str(), (code.http_status(), code.at_fault(), code.title(), code.remedy())))
        .collect();
    let intake: BTreeMap<_, Line> = Intake::ALL
        .iter()
        .map(|code| (code.as_str(), (code.http_status(), code.at_fault(), code.title(), code.remedy())))
        .collect();
    let callers: BTreeMap<_, Line> = Callers::ALL
        .iter()
        .map(|code| (code.as_str(), (code.http_status(), code.at_fault(), code.title(), code.remedy())))
        .collect();
    let proofs = ProofError::ALL.iter().map(|error| {
        let line = (
            403,
            AtFault::Caller,
            "The passkey's answer is refused",
            "Make the gesture again, on the platform's own page.",
        );
        (error.code(), line)
    });
    let element = wire::Code::ALL
        .iter()
        // The platform answers these two in words of its own.
        .filter(|code| !matches!(code, wire::Code::Unavailable | wire::Code::Unknown))
        .map(|code| {
            (code.as_str(), (code.http_status(), of_status(code.http_status()), code.title(), IN_DETAIL))
        })
        .filter(|(code, _)| !shared.contains_key(code) && !own.contains_key(code));
    let element = element.chain(proofs).collect();
    [
        ("People, machines, and what all routes share", shared),
        ("Organisations, schemes, dossiers, the log", own),
        ("The element's refusals, and a passkey's answer", element),
        ("The intake", intake),
        ("Certificates of callers, where they are asked for", callers),
    ]
}

fn document() -> String {
    let mut text = String::from(
        "# Codes of the platform's problems\n\n\
         Every refusal of the platform is a problem document (RFC 9457) with a stable `code` in snake case. Programs match on the code;\n\
         people read the words of their page (`web/platform/src/words/refusals.ts`, French and English). *At fault* is who must change\n\
         something before asking again helps. The same codes are in records of the log and in what the platform writes on standard error.\n\n\
         The tables of the code are `crates/accounts/src/code.rs`, `crates/dossiers/src/code.rs` and `crates/element-api/src/wire/code.rs`; a\n\
         test compares this file with them, and `cargo test -p sceau-dossiers --test it accept_the_reviewed -- --ignored` writes it anew.\n\
         The token endpoint answers with OAuth's own errors (RFC 6749 section 5.2) instead, but for `too_many_requests`. What the keyfront\n\
         says beside the element's codes is in [protect-a-field.md](protect-a-field.md#when-it-says-no).\n",
    );
    for (room, lines) in rooms() {
        let _ = write!(
            text,
            "\n## {room}\n\n| code | status | at fault | what happened | what to do |\n|---|---|---|---|---|\n"
        );
        for (code, (status, fault, title, remedy)) in lines {
            let _ = writeln!(text, "| `{code}` | {status} | {} | {title} | {remedy} |", fault.as_str());
        }
    }
    text
}

#[test]
fn the_document_lists_what_the_code_says() {
    REVIEWED.assert(&document());
}

#[test]
#[ignore = "writes docs/problem-codes.md anew: run it to accept a change, then read the difference"]
fn accept_the_reviewed_problem_codes() {
    REVIEWED.accept(&document());
}

#[test]
fn no_code_has_two_meanings_and_each_is_in_snake_case() {
    let statuses: BTreeMap<&str, u16> =
        wire::Code::ALL.iter().map(|code| (code.as_str(), code.http_status())).collect();
    let rooms = rooms();
    let [(_, shared), (_, own), (_, element), (_, intake), (_, callers)] = &rooms;
    for (code, (status, ..)) in shared.iter().chain(own) {
        assert!(
            statuses.get(code).is_none_or(|element| element == status),
            "{code} is another thing at the element"
        );
    }
    assert!(own.keys().all(|code| !shared.contains_key(code)), "say it once, in the accounts");
    let titles: Vec<&str> = shared.values().chain(own.values()).map(|(_, _, title, _)| *title).collect();
    let distinct: std::collections::BTreeSet<&&str> = titles.iter().collect();
    assert_eq!(distinct.len(), titles.len(), "two codes say the same");
    let all = [shared, own, element, intake, callers].into_iter().flat_map(BTreeMap::keys);
    for code in all {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
    }
}
