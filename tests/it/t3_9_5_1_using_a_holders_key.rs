//! Threat 3.9.5.1, using a holder's key: who took the element's journal with the wrapped key, its keystore and passphrase, and the terminal too, uses none of it without the PIN; and an
//! element that was brought back behind the holder's last use does not go on with it.

use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, refused};

#[tokio::test(flavor = "multi_thread")]
async fn journal_keystore_and_terminal_sign_nothing_without_the_pin() {
    let mut keyrings = Keyrings::start("keyring-used");
    keyrings.scratch.write("wrong", "111222333444");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    keyrings.stop();
    let (state, taken) = (keyrings.scratch.join("element"), keyrings.scratch.join("taken"));
    let copied = |from, to| Program::other("cp").arg("-a").arg(from).arg(to).run().success();
    copied(&state, &taken);

    // Theirs: a copy that nobody else uses, so that nobody sees what is tried on it.
    keyrings.start_element();
    let request = keyrings.request("theirs", &keyring, &document);
    for _ in 0..3 {
        assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
    }
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_blocked");

    // The holder's, as it was: one use, and then the copy of before in its place.
    keyrings.stop();
    std::fs::remove_dir_all(&state).unwrap();
    copied(&taken, &state);
    keyrings.start_element();
    let request = keyrings.request("own", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    keyrings.stop();
    std::fs::remove_dir_all(&state).unwrap();
    copied(&taken, &state);
    keyrings.start_element();
    let request = keyrings.request("behind", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "secret_stale");
}
