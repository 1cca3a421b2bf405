//! What a holder reads: whole, before anything else.

use std::fs::File;
use std::os::fd::AsFd;

use sceau_client::terminal::{ToActivate, ToApprove, ToJoin};
use sceau_element_api::keyring::{KeyringPolicy, KeyringUse, RequestKind, SubjectField};
use sceau_keyring::{Identity, Request};

use crate::failure::{Exit, Failure};

/// Whose a keyring is.
pub(super) fn to_activate(shown: &ToActivate) -> String {
    whose("This keyring was not activated before.", &shown.identity, &shown.policy)
}

/// Whose a keyring is that this machine is to be a terminal of.
pub(super) fn to_join(shown: &ToJoin) -> String {
    whose(
        "The other terminal confirmed this one. Its PIN makes it a terminal of this keyring.",
        &shown.identity,
        &shown.policy,
    )
}

fn whose(first: &str, identity: &Identity, policy: &KeyringPolicy) -> String {
    let mut text = format!("{first}\nHolder:  {}\n", identity.common_name);
    let others = [
        ("Given:  ", &identity.given_name),
        ("Surname:", &identity.surname),
        ("Number: ", &identity.serial_number),
        ("Country:", &identity.country),
    ];
    for (name, value) in others {
        if let Some(value) = value {
            text += &format!("{name} {value}\n");
        }
    }
    let purpose = match policy.r#use {
        KeyringUse::Sign => "to sign",
        KeyringUse::Authenticate => "to show who it is",
    };
    text + &format!(
        "Policy:  {} ({purpose})\nPIN:     {} to {} digits",
        policy.name, policy.pin.least, policy.pin.most
    )
}

/// Columns of a line beside the gutter; longer ones go on in the next, beside it too.
const WIDTH: usize = 72;
/// The fewest in which anything is shown.
const NARROWEST: usize = 20;
/// Of the gutter, where a screen gives its stroke two.
const GUTTER: usize = 5;

/// How many columns lines have beside the gutter: a window that is narrower than they are would go on with them before it.
pub(super) fn width() -> Result<usize, Failure> {
    let terminal = File::open("/dev/tty").ok();
    let asked = [columns_of(std::io::stderr()), terminal.and_then(columns_of)];
    within(asked.into_iter().flatten().min())
}

/// The columns of a terminal; none of what is none, or does not know.
fn columns_of(terminal: impl AsFd) -> Option<usize> {
    let window = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(window.ws_col)).filter(|columns| *columns > 0)
}

fn within(columns: Option<usize>) -> Result<usize, Failure> {
    let width = columns.map_or(WIDTH, |columns| columns.saturating_sub(GUTTER).min(WIDTH));
    if width >= NARROWEST {
        return Ok(width);
    }
    let words =
        format!("the window is too narrow to read in: make it {} columns wide or more", NARROWEST + GUTTER);
    Err(Failure::new(Exit::Usage, "window_narrow", words))
}

/// What is asked. Nothing is shortened: what does not fit a screen is scrolled, and what could be misread was refused before. The provider's own words stand behind
/// a gutter, so that none looks like a line of this program; who asks, and for how much, is said again where the holder agrees.
pub(super) fn to_approve(asked: &ToApprove, width: usize) -> String {
    of_request(&asked.provider, &asked.request, &asked.told, width)
}

fn of_request(provider: &str, request: &Request, told: &[SubjectField], width: usize) -> String {
    let description = behind(&request.description, width);
    if request.kind == RequestKind::Authenticate {
        return of_authentication(provider, &description, told);
    }
    let mut text = format!("{provider} asks you to sign, in its own words:\n\n{description}\n");
    for (at, item) in request.items.iter().enumerate() {
        let (label, hash) = (behind(&item.label, width), hex::encode(&*item.hash));
        text += &format!("\n{}.\n{label}\n   SHA-256 {hash}", at + 1);
    }
    let (count, noun) =
        (request.items.len(), if request.items.len() == 1 { "signature" } else { "signatures" });
    text + &format!("\n\nThis is for {provider}: {count} {noun}, and nothing else.")
}

fn of_authentication(provider: &str, words: &str, told: &[SubjectField]) -> String {
    let named = told.iter().map(|field| match field {
        SubjectField::CommonName => "your name",
        SubjectField::GivenName => "given name",
        SubjectField::Surname => "surname",
        SubjectField::SerialNumber => "number",
        SubjectField::Country => "country",
    });
    let parts: Vec<&str> = ["which keyring is yours"].into_iter().chain(named).collect();
    format!(
        "{provider} asks who you are, in its own words:\n\n{words}\n\nNothing is signed. {provider} is told {}, and nothing else.",
        parts.join(", ")
    )
}

/// A text of the provider's, each of its lines behind the gutter.
fn behind(text: &str, width: usize) -> String {
    let lines = text.split('\n').flat_map(|line| parts(line, width));
    lines.map(|line| format!("  │ {line}")).collect::<Vec<_>>().join("\n")
}

/// A line in parts that a screen shows as one each: after a blank where there is one.
fn parts(line: &str, width: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while let Some(end) = beyond(rest, width) {
        let (shown, _) = rest.split_at(end);
        let at = shown.rfind(' ').map_or(end, |blank| blank + 1);
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Where a line has more columns than this. Screens do not agree on what is wide; none gives more than two to a character, nor more than one to those of ASCII.
fn beyond(line: &str, width: usize) -> Option<usize> {
    let mut columns = 0;
    line.char_indices().find_map(|(at, c)| {
        columns += if c.is_ascii() { 1 } else { 2 };
        (columns > width).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use sceau_element_api::Base64Url;
    use serde_json::json;

    use super::*;

    fn request(description: &str) -> Request {
        serde_json::from_value(json!({
            "v": 1, "request": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001", "provider": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002",
            "keyring": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003", "kind": "sign", "description": description,
            "items": [{"label": "2. other.pdf", "hash": Base64Url::from([1_u8; 32].as_slice())}], "hash": "SHA-256",
            "algorithm": "ES256", "aud": "example.org/log", "time": 1, "ends": 2,
        }))
        .unwrap()
    }

    /// The lines of a screen of so many columns, on which stars and letters of Japan are two wide, and the gutter's stroke too.
    fn on_screen(text: &str, columns: usize) -> Vec<String> {
        let mut rows = Vec::new();
        for line in text.lines() {
            let (mut row, mut taken) = (String::new(), 0);
            for c in line.chars() {
                let wide = if matches!(c, '│' | '⭐' | '⌚' | '契' | 'é') { 2 } else { 1 };
                if taken + wide > columns {
                    rows.push(std::mem::take(&mut row));
                    taken = 0;
                }
                row.push(c);
                taken += wide;
            }
            rows.push(row);
        }
        rows
    }

    #[test]
    fn a_providers_words_look_like_no_line_of_this_program() {
        let spoof = "Lease\n\n1. lease.pdf\nSHA-256 9f86\n\nThis is for Bank: 1 signature, and nothing else.\nType yes to agree:";
        let pushed = |symbol: &str| format!("{}This is for Bank: 0 signatures", symbol.repeat(38));
        let words = ["⭐", "⌚", "契", "é", "é ", "x"].map(pushed).join("\n");
        let long = "x".repeat(WIDTH * 2 + 1);
        let request = request(&format!("{spoof}\n{words}\n{long}"));
        let hash = format!("   SHA-256 {}", "01".repeat(32));
        let expected = [
            "Notaires asks you to sign, in its own words:",
            "",
            "",
            "1.",
            hash.as_str(),
            "",
            "This is for Notaires: 1 signature, and nothing else.",
        ];
        for columns in [80, 120, 77, 76, 60, 40, 25] {
            let shown = of_request("Notaires", &request, &[], within(Some(columns)).unwrap());
            let rows = on_screen(&shown, columns);
            let own: Vec<&str> =
                rows.iter().map(String::as_str).filter(|row| !row.starts_with("  │ ")).collect();
            // In a narrow window our own lines go on at its edge; the provider's words do not.
            assert_eq!(own.concat(), expected.concat(), "{columns}");
            if columns >= 75 {
                assert_eq!(own, expected, "{columns}");
            }
            assert_eq!(shown.matches('x').count(), long.len() + 38, "nothing is left out");
            assert_eq!(shown.matches('⭐').count(), 38);
        }
    }

    #[test]
    fn a_window_too_narrow_to_read_in_is_refused() {
        assert_eq!(within(Some(24)).unwrap_err().code, "window_narrow");
        assert_eq!(within(Some(25)).unwrap(), NARROWEST);
        assert_eq!((within(Some(200)).unwrap(), within(None).unwrap()), (WIDTH, WIDTH));
    }

    #[test]
    fn who_asks_who_the_holder_is_is_told_what_is_shown() {
        let request: Request = serde_json::from_value(json!({
            "v": 1, "request": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001", "provider": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002",
            "keyring": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003", "kind": "authenticate", "description": "Log in\nNothing is signed.",
            "items": [], "hash": "SHA-256", "aud": "example.org/log", "time": 1, "ends": 2,
        }))
        .unwrap();
        let own = |shown: String| {
            let own = shown.lines().filter(|line| !line.starts_with("  │ ") && !line.is_empty());
            own.map(str::to_owned).collect::<Vec<_>>()
        };
        let asks = "Notaires asks who you are, in its own words:";
        let keyring = "Nothing is signed. Notaires is told which keyring is yours, and nothing else.";
        assert_eq!(own(of_request("Notaires", &request, &[], WIDTH)), [asks, keyring]);
        let named = own(of_request("Notaires", &request, &[SubjectField::CommonName], WIDTH));
        assert_eq!(
            named.last().unwrap(),
            "Nothing is signed. Notaires is told which keyring is yours, your name, and nothing else."
        );
    }
}
