//! Threat 3.9.2.2, diverted roaming: somebody captures the code that a terminal shows, and comes to the keyring in the holder's place.

use std::path::PathBuf;

use sceau_tests::keyrings::{HandedKeyring, Keyrings, refused, said};
use serde_json::json;

/// A keyring that may have two terminals, its first one, and the folders of a thief and of the holder's second one.
fn stage(name: &str) -> (Keyrings, HandedKeyring, [PathBuf; 3]) {
    let keyrings = Keyrings::start_with(name, json!({"terminals_most": 2, "roaming": "copy"}));
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folders = ["first", "thief", "second"].map(|folder| keyrings.scratch.join(folder));
    keyrings.activate(&keyring, &folders[0]).success();
    (keyrings, keyring, folders)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_with_a_captured_code_shows_another_short_code_and_learns_nothing() {
    let (keyrings, _keyring, [first, thief, _]) = stage("threat-diverted-short");
    let code = keyrings.roam(&first, "code");
    let (stolen, shown) = keyrings.comes(&thief, &code, "pin");
    // What the holder reads on their own terminal, or types where they have none yet, is not it.
    let other = if shown.starts_with('0') { "1111-1111" } else { "0000-0000" };
    assert_eq!(refused(&keyrings.confirms(&first, other)), "short_code_differs");
    let told = stolen.ended();
    assert!(told.contains("roaming_over") && !told.contains("Curie"), "{told}");
    let state = keyrings.on(&first, &["state"]).success();
    assert_eq!(
        (said(&state, "/standing/tries/wrong"), said(&state, "/standing/done/0/action")),
        ("0".to_owned(), "keyring.withdraw".to_owned())
    );
    // The code is of no use any more.
    let again = keyrings
        .terminal("join", &thief)
        .arg("--code-file")
        .arg(&code)
        .arg("--pin-file")
        .arg(keyrings.scratch.join("pin"));
    assert_eq!(refused(&again.run()), "roaming_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_first_shuts_both_out_and_the_holder_is_told_on_both() {
    let (keyrings, keyring, [first, thief, second]) = stage("threat-diverted-race");
    let code = keyrings.roam(&first, "code");
    let (stolen, _) = keyrings.comes(&thief, &code, "pin");
    let join = keyrings
        .terminal("join", &second)
        .arg("--code-file")
        .arg(&code)
        .arg("--pin-file")
        .arg(keyrings.scratch.join("pin"));
    assert_eq!(refused(&join.run()), "roaming_taken");
    let told = keyrings.confirms(&first, "0000-0000");
    assert_eq!(refused(&told), "roaming_over");
    assert!(told.stderr.contains("TWO terminals"), "{}", told.stderr);
    assert!(stolen.ended().contains("roaming_over"));
    // The keyring is as it was.
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign(&first, &request, "pin").success();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_confirmed_by_mistake_has_no_pin_and_what_it_tries_counts() {
    let (keyrings, keyring, [first, thief, _]) = stage("threat-diverted-pin");
    let code = keyrings.roam(&first, "code");
    let (stolen, shown) = keyrings.comes(&thief, &code, "wrong");
    let confirm = keyrings.terminal("confirm", &first).args(["--shown", &shown]).named("confirm");
    let confirming = confirm.launch(keyrings.scratch.path());
    assert!(stolen.ended().contains("pin_invalid"));
    let state = keyrings.on(&first, &["state"]).success();
    assert_eq!(said(&state, "/standing/tries/left"), "2", "on the counter that all terminals share");
    keyrings.on(&first, &["withdraw"]).success();
    assert!(confirming.ended().contains("roaming_over"));
    let state = keyrings.on(&first, &["state"]).success();
    assert!(!state.text().contains("provisional\":true"), "{}", state.text());
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign(&first, &request, "pin").success();
}
