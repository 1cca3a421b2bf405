//! Threat 3.9.2.4, signing with a stolen terminal's key: a copy of its storage refuses itself elsewhere, goes stale at the holder's next use, and what it tries is shown to the holder.

use sceau_client::ClientError;
use sceau_client::terminal::{Storage, sign};
use sceau_keyring::Pin;
use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, PIN, refused, said};

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

/// Between the moment the terminal looks and the moment its holder types: the use sets the count of wrong PINs back, and warns of these all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_guesses_while_the_holder_reads_is_shown_before_the_next_pin() {
    let keyrings = Keyrings::start("keyring-copied-reading");
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let [first, guessed, second, third] =
        ["first", "guessed", "second", "third"].map(|name| keyrings.request(name, &keyring, &document));
    let first = std::fs::read_to_string(first).unwrap();
    let (storage, server) = (Storage::at(&folder), keyrings.server());
    let attempts = folder.join("attempts.json");
    let signed = sign(&storage, &server, &first, |shown| {
        assert_eq!(shown.others.attempts, []);
        let kept = std::fs::read(&attempts).unwrap_or_default();
        assert_eq!(refused(&keyrings.sign(&folder, &guessed, "wrong")), "pin_invalid");
        match kept.is_empty() {
            true => std::fs::remove_file(&attempts).unwrap(),
            false => std::fs::write(&attempts, kept).unwrap(),
        }
        Ok::<_, ClientError>(Pin::parse(PIN).unwrap())
    });
    signed.await.unwrap();
    let shown = keyrings.sign(&folder, &second, "pin").success().stderr;
    assert!(shown.contains("1 attempt was made") && shown.contains("1 with a wrong PIN"), "{shown}");
    // Seen once.
    let again = keyrings.sign(&folder, &third, "pin").success().stderr;
    assert!(!again.contains("ATTENTION"), "{again}");
}
