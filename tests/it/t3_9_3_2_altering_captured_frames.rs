//! Threat 3.9.3.2, altering captured frames: one letter of a message or of an answer is turned on its way. Nothing is signed, nothing of it is believed, and the keyring is as it was.

use sceau_client::Server;
use sceau_client::terminal::{Storage, sign};
use sceau_keyring::Pin;
use sceau_tests::Liar;
use sceau_tests::keyrings::{Keyrings, PIN, said};
use serde_json::Value;

/// Turns one letter in the middle of what is sealed.
fn turned(frame: &mut Value) {
    let Some(sealed) = frame["sealed"].as_str() else { return };
    let mut letters: Vec<char> = sealed.chars().collect();
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == 'A' { 'B' } else { 'A' };
    frame["sealed"] = letters.into_iter().collect::<String>().into();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_altered_on_its_way_does_nothing() {
    let keyrings = Keyrings::start("keyring-altered");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    let request = |name: &str| std::fs::read_to_string(keyrings.request(name, &keyring, &document)).unwrap();
    let between = Liar::before(keyrings.address(), keyrings.read("host.pem").as_bytes()).await;
    let (storage, server) = (Storage::at(&folder), Server::new(&between.url(), &Default::default()).unwrap());
    let pin = |_: &_| Ok(Pin::parse(PIN).unwrap());

    // Each message in its turn, then each answer.
    for seq in 1..=2 {
        let jws = request(&format!("message-{seq}"));
        between.alters(move |asked, body| {
            if asked.ends_with("/messages") && body["seq"] == seq {
                turned(body);
            }
        });
        let told = sign(&storage, &server, &jws, pin).await.unwrap_err();
        assert_ne!(told.code(), Some("pin_invalid"), "{told}");
        between.repents();
    }
    for seq in 1..=2 {
        let jws = request(&format!("answer-{seq}"));
        between.lies(move |asked, answer| {
            if asked.ends_with("/messages") && answer["seq"] == seq {
                turned(answer);
            }
        });
        sign(&storage, &server, &jws, pin).await.unwrap_err();
        between.repents();
    }
    let state = keyrings.on(&folder, &["state"]).success();
    assert_eq!(said(&state, "/standing/phase"), "active");
    assert_eq!(said(&state, "/standing/tries/wrong"), "0", "nobody's PIN was wrong");
}
