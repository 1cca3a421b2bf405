//! A keyring comes to another terminal, moves to one, and loses one, by the commands that people have, over the host.

use std::path::{Path, PathBuf};

use sceau_tests::keyrings::{HandedKeyring, Keyrings, refused, said};
use serde_json::json;

const HOLDER: &str = "Marie Curie";

/// A keyring that is active in a folder, under a policy with these members.
fn active(name: &str, policy: serde_json::Value) -> (Keyrings, HandedKeyring, PathBuf) {
    let keyrings = Keyrings::start_with(name, policy);
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("first");
    keyrings.activate(&keyring, &folder).success();
    (keyrings, keyring, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_terminal_comes_signs_and_is_taken_off() {
    let (keyrings, keyring, first) = active("keyring-roams", json!({"terminals_most": 2, "roaming": "copy"}));
    let second = keyrings.scratch.join("second");
    let code = keyrings.roam(&first, "code");
    let (join, short) = keyrings.comes(&second, &code, "pin");
    let confirmed = keyrings.confirms(&first, &short).success();
    assert_eq!(said(&confirmed, "/became"), "joined");
    assert!(join.ended().contains(HOLDER), "whose it is was shown there, once it was confirmed");

    let document = keyrings.scratch.write("document", b"x");
    for (name, folder) in [("one", &first), ("two", &second), ("three", &first), ("four", &second)] {
        let request = keyrings.request(name, &keyring, &document);
        let signed = keyrings.sign(folder, &request, "pin").success();
        assert!(!signed.stderr.contains("ATTENTION"), "{}", signed.stderr);
    }
    let (one, two) = (keyrings.scratch.join("one.pem"), keyrings.scratch.join("two.pem"));
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap(), "one keyring, one certificate");
    // What waits at the host is shown to both.
    keyrings.leave("sp", &keyring.id, &document).success();
    let pending = |folder: &Path| keyrings.on(folder, &["pending"]);
    assert_eq!(
        said(&pending(&first).success(), "/requests/0/request"),
        said(&pending(&second).success(), "/requests/0/request")
    );

    let state = keyrings.on(&first, &["state"]).success();
    let other = said(&keyrings.on(&second, &["state"]).success(), "/terminal");
    assert_eq!(said(&state, "/standing/terminals/1/terminal"), other);
    let pin = keyrings.scratch.join("pin");
    let off = ["dissociate", "--terminal", &other, "--pin-file", pin.to_str().unwrap()];
    assert_eq!(said(&keyrings.on(&first, &off).success(), "/became"), "dissociated");
    let request = keyrings.request("five", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&second, &request, "pin")), "terminal_dissociated");
    // Nor is it shown what waits, once the host has the version of the keyring that it was taken off by.
    let shut_out = (0..100).map(|_| pending(&second)).find(|seen| seen.code != Some(0));
    assert_eq!(refused(&shut_out.unwrap()), "actor_unknown");
    keyrings.sign(&first, &request, "pin").success();
    let seen = keyrings.on(&first, &["state"]).success();
    assert!(seen.stderr.contains("it was taken off"), "{}", seen.stderr);
    let last = ["dissociate", "--pin-file", pin.to_str().unwrap()];
    assert_eq!(refused(&keyrings.on(&first, &last)), "keyring_phase");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_moves_and_the_folder_that_it_left_is_empty() {
    let (keyrings, keyring, first) = active("keyring-moves", json!({"roaming": "move"}));
    let second = keyrings.scratch.join("second");
    let code = keyrings.roam(&first, "code");
    let (join, short) = keyrings.comes(&second, &code, "pin");
    assert_eq!(said(&keyrings.confirms(&first, &short).success(), "/became"), "moved");
    join.ended();
    let left: Vec<_> = std::fs::read_dir(&first).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign(&second, &request, "pin").success();
}

#[tokio::test(flavor = "multi_thread")]
async fn support_agrees_and_another_terminal_is_warned_of() {
    let policy = json!({"terminals_most": 3, "roaming": "copy", "dissociation": "holder_and_support"});
    let (keyrings, keyring, first) = active("keyring-parts", policy);
    let (second, third) = (keyrings.scratch.join("second"), keyrings.scratch.join("third"));
    let code = keyrings.roam(&first, "code");
    let (join, short) = keyrings.comes(&second, &code, "pin");
    keyrings.confirms(&first, &short).success();
    join.ended();
    // The second one has a third one come: the first one is told, at its next look, and before its next PIN.
    let code = keyrings.roam(&second, "another");
    let (join, short) = keyrings.comes(&third, &code, "pin");
    keyrings.confirms(&second, &short).success();
    join.ended();
    let added = said(&keyrings.on(&third, &["state"]).success(), "/terminal");
    let state = keyrings.on(&first, &["state"]).success();
    assert_eq!(said(&state, "/added/0"), added);
    assert!(state.stderr.contains("ATTENTION") && state.stderr.contains(&added), "{}", state.stderr);
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    assert!(keyrings.sign(&first, &request, "pin").success().stderr.contains(&added));
    assert!(!keyrings.on(&first, &["state"]).success().stderr.contains("ATTENTION"));

    let agrees = ["dissociate", "--terminal", &added];
    assert_eq!(refused(&keyrings.of("support", &agrees, &keyring)), "keyring_phase");
    let pin = keyrings.scratch.join("pin");
    let off = ["dissociate", "--terminal", &added, "--pin-file", pin.to_str().unwrap()];
    assert_eq!(said(&keyrings.on(&first, &off).success(), "/became"), "asked");
    let request = keyrings.request("two", &keyring, &document);
    keyrings.sign(&third, &request, "pin").success();
    assert_eq!(refused(&keyrings.of("ra", &agrees, &keyring)), "actor_unknown");
    keyrings.of("support", &agrees, &keyring).success();
    let request = keyrings.request("three", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&third, &request, "pin")), "terminal_dissociated");
    let seen = keyrings.of("support", &["state"], &keyring).success();
    assert!(seen.stderr.contains("asked that a terminal be taken off"), "{}", seen.stderr);
}
