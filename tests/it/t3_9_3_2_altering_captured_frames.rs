//! Threat 3.9.3.2, altering captured frames: one letter of a message or of an answer is turned on its way. Nothing is signed, nothing of it is believed, and the keyring is as it was.

use sceau_client::terminal::{Storage, sign};
use sceau_client::{ClientError, Server};
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
    let pin = |_: &_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap());

    // Each message and each answer; the one that leaves an attempt without an end is the last.
    for (up, seq) in [(true, 1), (false, 1), (false, 2), (true, 2)] {
        let jws = request(&format!("{up}-{seq}"));
        let alter = move |asked: &str, frame: &mut Value| {
            if asked.ends_with("/messages") && frame["seq"] == seq {
                turned(frame);
            }
        };
        if up {
            between.alters(alter)
        } else {
            between.lies(alter)
        }
        let told = sign(&storage, &server, &jws, pin).await.unwrap_err();
        assert_eq!(told.code(), None, "it is not taken for the element's word: {told}");
        between.repents();
    }
    let state = keyrings.on(&folder, &["state"]).success();
    assert_eq!(said(&state, "/standing/phase"), "active");
    assert_eq!(said(&state, "/standing/tries/wrong"), "0", "nobody's PIN was wrong");
}
