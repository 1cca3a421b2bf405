//! A keyring's life after its activation, by the commands that people have: it is stopped and goes on, is blocked, and ends.

use std::path::Path;

use sceau_tests::keyrings::{Keyrings, refused, said};

const HOLDER: &str = "Marie Curie";

fn left_in(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    std::fs::read_dir(folder).unwrap().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_is_suspended_goes_on_and_ends() {
    let mut keyrings = Keyrings::start("keyring-stopped");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);

    // The holder stops it, without a PIN; nothing is asked of one any more, and the holder is told why.
    let stopped = keyrings.on(&folder, &["suspend", "--reason", "suspected"]).success();
    assert_eq!(said(&stopped, "/phase"), "suspended");
    let told = keyrings.sign(&folder, &request, "pin");
    assert_eq!(refused(&told), "keyring_suspended");
    assert!(
        told.stderr.contains("by its holder") && told.stderr.contains("only its registration authority"),
        "{}",
        told.stderr
    );

    // Support sees it and cannot undo it, nobody else sees it, and the authority lets it go on; a restart forgets none of it.
    keyrings.start_element();
    let seen = keyrings.of("support", &["state"], &keyring).success();
    assert_eq!(
        (said(&seen, "/phase"), said(&seen, "/suspended/by")),
        ("suspended".to_owned(), "holder".to_owned())
    );
    assert!(!seen.text().contains("Curie") && !seen.stderr.contains("Curie"));
    assert_eq!(refused(&keyrings.of("support", &["resume", "--reason", "found"], &keyring)), "actor_unknown");
    for stranger in ["stranger", "sp", "officer"] {
        assert_eq!(refused(&keyrings.of(stranger, &["state"], &keyring)), "actor_unknown");
    }
    let resumed = keyrings.of("ra", &["resume", "--reason", "unfounded"], &keyring).success();
    assert_eq!(said(&resumed, "/phase"), "active");
    let request = keyrings.request("two", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();

    // The end, by the holder's PIN: nothing is left in the folder, and nobody brings it back.
    let (pin, proof) = (keyrings.scratch.join("pin"), keyrings.scratch.join("end.proof"));
    let ending = ["destroy", "--pin-file", pin.to_str().unwrap(), "--proof", proof.to_str().unwrap()];
    let ended = keyrings.on(&folder, &ending).success();
    assert!(ended.stderr.contains("for good"), "{}", ended.stderr);
    assert!(proof.exists());
    assert_eq!(left_in(&folder), ["lock"]);
    let seen = keyrings.of("ra", &["state"], &keyring).success();
    assert_eq!(said(&seen, "/phase"), "destroyed");
    assert_eq!(said(&seen, "/done/0/action"), "keyring.destroy");
    assert_eq!(refused(&keyrings.of("ra", &["resume", "--reason", "found"], &keyring)), "keyring_destroyed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_keyring_says_so_and_its_authority_ends_it() {
    let keyrings = Keyrings::start("keyring-blocked");
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    for _ in 0..3 {
        assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
    }
    let seen = keyrings.of("ra", &["state"], &keyring).success();
    assert_eq!((said(&seen, "/phase"), said(&seen, "/blocked")), ("blocked".to_owned(), "pin".to_owned()));
    assert!(seen.stderr.contains("blocked by wrong PINs"), "{}", seen.stderr);
    assert_eq!(said(&keyrings.on(&folder, &["state"]).success(), "/standing/phase"), "blocked");
    keyrings.of("ra", &["destroy", "--reason", "lost"], &keyring).success();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_destroyed");
    // The terminal learns it, and forgets.
    let pin = keyrings.scratch.join("pin");
    keyrings.on(&folder, &["destroy", "--pin-file", pin.to_str().unwrap()]).success();
    assert_eq!(left_in(&folder), ["lock"]);
}
