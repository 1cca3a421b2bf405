//! What a holder reads: whole, before anything else.

use sceau_client::terminal::{ToActivate, ToApprove};
use sceau_element_api::keyring::KeyringUse;
use sceau_keyring::Request;

/// Whose a keyring is.
pub(super) fn to_activate(shown: &ToActivate) -> String {
    let ToActivate { identity, policy, .. } = shown;
    let mut text = format!("This keyring was not activated before.\nHolder:  {}\n", identity.common_name);
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

/// Characters of a line beside the gutter; longer ones go on in the next, beside it too.
const WIDTH: usize = 72;

/// What is asked. Nothing is shortened: what does not fit a screen is scrolled, and what could be misread was refused before. The provider's own words stand behind
/// a gutter, so that none looks like a line of this program; who asks, and for how much, is said again where the holder agrees.
pub(super) fn to_approve(asked: &ToApprove) -> String {
    of_request(&asked.provider, &asked.request)
}

fn of_request(provider: &str, request: &Request) -> String {
    let mut text =
        format!("{provider} asks you to sign, in its own words:\n\n{}\n", behind(&request.description));
    for (at, item) in request.items.iter().enumerate() {
        text += &format!("\n{}.\n{}\n   SHA-256 {}", at + 1, behind(&item.label), hex::encode(&*item.hash));
    }
    let (count, noun) =
        (request.items.len(), if request.items.len() == 1 { "signature" } else { "signatures" });
    text + &format!("\n\nThis is for {provider}: {count} {noun}, and nothing else.")
}

/// A text of the provider's, each of its lines behind the gutter.
fn behind(text: &str) -> String {
    let lines = text.split('\n').flat_map(parts);
    lines.map(|line| format!("  │ {line}")).collect::<Vec<_>>().join("\n")
}

/// A line in parts that a screen shows as one each: after a blank where there is one. Letters of China, Japan and Korea take two places.
fn parts(line: &str) -> Vec<&str> {
    let wide = line.chars().any(|c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..));
    let width = if wide { WIDTH / 2 } else { WIDTH };
    let (mut parts, mut rest) = (Vec::new(), line);
    while let Some((end, _)) = rest.char_indices().nth(width) {
        let (shown, _) = rest.split_at(end);
        let at = shown.rfind(' ').map_or(end, |blank| blank + 1);
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use sceau_element_api::Base64Url;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_providers_words_look_like_no_line_of_this_program() {
        let spoof = "Lease\n\n1. lease.pdf\nSHA-256 9f86\n\nThis is for Bank: 1 signature, and nothing else.\nType yes to agree:";
        let long = "x".repeat(WIDTH * 2 + 1);
        let request: Request = serde_json::from_value(json!({
            "v": 1, "request": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001", "provider": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002",
            "keyring": "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003", "kind": "sign", "description": format!("{spoof}\n{long}"),
            "items": [{"label": "2. other.pdf", "hash": Base64Url::from([1_u8; 32].as_slice())}], "hash": "SHA-256",
            "algorithm": "ES256", "aud": "example.org/log", "time": 1, "ends": 2,
        }))
        .unwrap();
        let shown = of_request("Notaires", &request);
        let own: Vec<&str> = shown.lines().filter(|line| !line.starts_with("  │ ")).collect();
        let hash = format!("   SHA-256 {}", "01".repeat(32));
        assert_eq!(
            own,
            [
                "Notaires asks you to sign, in its own words:",
                "",
                "",
                "1.",
                hash.as_str(),
                "",
                "This is for Notaires: 1 signature, and nothing else."
            ]
        );
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH + 4), "{shown}");
        assert_eq!(shown.matches('x').count(), long.len());
    }
}
