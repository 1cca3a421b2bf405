//! Threat 3.9.2.4, signing with a stolen terminal's key: a copy of its storage refuses itself elsewhere, goes stale at the holder's next use, and what it tries is shown to the holder.

use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, refused, said};

const HOLDER: &str = "Marie Curie";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_terminal_is_none() {
    let keyrings = Keyrings::start("keyring-copy");
    let keyring = keyrings.hand_over("k", HOLDER);
    let (folder, copy) = (keyrings.scratch.join("terminal"), keyrings.scratch.join("copy"));
    keyrings.activate(&keyring, &folder).success();
    Program::other("cp").arg("-a").arg(&folder).arg(&copy).run().success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    // Elsewhere it refuses itself.
    assert_eq!(refused(&keyrings.sign(&copy, &request, "pin")), "terminal_changed");
    keyrings.sign(&folder, &request, "pin").success();
    // In its place, by somebody who has the PIN too: the last use made it stale, and that shows.
    std::fs::copy(copy.join("secret.json"), folder.join("secret.json")).unwrap();
    let request = keyrings.request("two", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "secret_stale");
    // Nobody else activates it again.
    let other = keyrings.scratch.join("other");
    assert_eq!(refused(&keyrings.activate(&keyring, &other)), "keyring_phase");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_guesses_is_shown_before_the_pin_is_typed() {
    let keyrings = Keyrings::start("keyring-copied");
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let first = keyrings.request("first", &keyring, &document);
    let signed = keyrings.sign(&folder, &first, "pin").success();
    assert!(!signed.stderr.contains("ATTENTION"), "{}", signed.stderr);
    // A wrong PIN of the holder's own is no alarm.
    let next = keyrings.request("next", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&folder, &next, "wrong")), "pin_invalid");
    let own = keyrings.on(&folder, &["state"]).success();
    assert_eq!(
        (said(&own, "/others"), said(&own, "/standing/tries/wrong")),
        ("0".to_owned(), "1".to_owned())
    );

    // Somebody who has the terminal's key guesses elsewhere: what this folder keeps knows nothing of it.
    let kept = std::fs::read(folder.join("attempts.json")).unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &next, "wrong")), "pin_invalid");
    std::fs::write(folder.join("attempts.json"), kept).unwrap();
    let seen = keyrings.on(&folder, &["state"]).success();
    assert_eq!(
        (said(&seen, "/others"), said(&seen, "/standing/tries/left")),
        ("1".to_owned(), "1".to_owned())
    );
    let signed = keyrings.sign(&folder, &next, "pin").success();
    let shown = signed.stderr;
    assert!(
        shown.contains("ATTENTION")
            && shown.contains("1 attempt was made")
            && shown.contains("1 with a wrong PIN"),
        "{shown}"
    );
    // Seen once; what comes next is counted from that use on.
    let again = keyrings.request("again", &keyring, &document);
    assert!(!keyrings.sign(&folder, &again, "pin").success().stderr.contains("ATTENTION"));
}
