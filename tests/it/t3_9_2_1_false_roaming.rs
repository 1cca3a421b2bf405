//! Threat 3.9.2.1, false roaming: somebody who got at the terminal has its keyring come to a terminal of their own.

use sceau_tests::keyrings::{Keyrings, refused, said};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_pin_no_code_is_shown_and_each_try_counts() {
    let keyrings =
        Keyrings::start_with("threat-false-roaming", json!({"terminals_most": 2, "roaming": "copy"}));
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    // The terminal itself, unlocked, in the attacker's hand.
    let code = keyrings.scratch.join("code");
    for left in ["2", "1", "0"] {
        assert_eq!(refused(&keyrings.roam_with(&folder, &code, "wrong")), "pin_invalid");
        assert!(!code.exists(), "no code is written before the PIN is proven");
        let state = keyrings.on(&folder, &["state"]).success();
        assert_eq!(said(&state, "/standing/tries/left"), left);
        assert!(!state.text().contains("keyring.roam"), "{}", state.text());
    }
    assert_eq!(refused(&keyrings.roam_with(&folder, &code, "pin")), "keyring_blocked");
    assert_eq!(said(&keyrings.of("ra", &["state"], &keyring).success(), "/phase"), "blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_its_storage_shows_none_and_no_policy_means_none() {
    let keyrings = Keyrings::start("threat-false-roaming-copied");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let (copy, code) = (keyrings.scratch.join("copy"), keyrings.scratch.join("code"));
    let copied = std::process::Command::new("cp").arg("-a").arg(&folder).arg(&copy).status().unwrap();
    assert!(copied.success());
    assert_eq!(refused(&keyrings.roam_with(&copy, &code, "pin")), "terminal_changed");
    // Where the policy lets no terminal come, not even the holder has one come.
    assert_eq!(refused(&keyrings.roam_with(&folder, &code, "pin")), "keyring_phase");
    assert!(!code.exists());
    assert_eq!(said(&keyrings.on(&folder, &["state"]).success(), "/standing/tries/unfinished"), "0");
}
