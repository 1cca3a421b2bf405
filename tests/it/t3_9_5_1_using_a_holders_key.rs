//! Threat 3.9.5.1, using a holder's key: who took the element's journal with the wrapped key, its keystore and passphrase (or the token that makes holders' keys, with its PIN), and the
//! terminal too, uses none of it without the PIN; and an element that was brought back behind the holder's last use does not go on with it.

use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, refused};

#[tokio::test(flavor = "multi_thread")]
async fn journal_keystore_and_terminal_sign_nothing_without_the_pin() {
    sign_nothing_without_the_pin(Keyrings::start("keyring-used"), &["element"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_token_and_terminal_sign_nothing_without_the_pin() {
    let keyrings = Keyrings::start_in_token("keyring-used-in-token", serde_json::json!({}));
    assert_eq!(keyrings.element().said("/holders_keys"), "in_token");
    sign_nothing_without_the_pin(keyrings, &["element", "tokens"]);
}

/// `taken`: the folders of which they have copies.
fn sign_nothing_without_the_pin(mut keyrings: Keyrings, taken: &[&str]) {
    keyrings.scratch.write("wrong", "111222333444");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    keyrings.stop();
    let copied = |from, to| Program::other("cp").arg("-a").arg(from).arg(to).run().success();
    let copy_of = |name: &str| format!("{name}.taken");
    for name in taken {
        copied(keyrings.scratch.join(name), keyrings.scratch.join(&copy_of(name)));
    }
    let put_back = |keyrings: &Keyrings| {
        for name in taken {
            std::fs::remove_dir_all(keyrings.scratch.join(name)).unwrap();
            copied(keyrings.scratch.join(&copy_of(name)), keyrings.scratch.join(name));
        }
    };

    // Theirs: a copy that nobody else uses, so that nobody sees what is tried on it.
    keyrings.start_element();
    let request = keyrings.request("theirs", &keyring, &document);
    for _ in 0..3 {
        assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
    }
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_blocked");

    // The holder's, as it was: one use, and then the copy of before in its place.
    keyrings.stop();
    put_back(&keyrings);
    keyrings.start_element();
    let request = keyrings.request("own", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    keyrings.stop();
    put_back(&keyrings);
    keyrings.start_element();
    let request = keyrings.request("behind", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "secret_stale");
}
