//! Threat 3.9.1.2, guessing a terminal's key: it comes of nothing that anybody knows, and whoever signs with another one is nobody, and counts nothing.

use std::collections::BTreeSet;

use sceau_client::keyring::FileKey;
use sceau_client::terminal::{Storage, Visitor};
use sceau_tests::keyrings::{Keyrings, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn who_has_all_but_the_terminals_key_is_nobody() {
    let keyrings = Keyrings::start("keyring-device");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    // All that the terminal keeps, its place and its PIN, and a key that was guessed.
    let device = std::fs::read(folder.join("device.p8")).unwrap();
    for _ in 0..4 {
        let (_, guessed) = FileKey::generate().unwrap();
        std::fs::write(folder.join("device.p8"), guessed.expose()).unwrap();
        assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "actor_unknown");
        // Nor does the host tell it what waits.
        let (storage, server) = (Storage::at(&folder), keyrings.server());
        let told = Visitor::to(&storage, &server).unwrap().waiting().await.unwrap_err();
        assert_eq!(told.code(), Some("actor_unknown"), "{told}");
    }
    std::fs::write(folder.join("device.p8"), device).unwrap();
    let state = keyrings.on(&folder, &["state"]).success();
    assert_eq!(said(&state, "/others"), "0", "nothing was counted");
    keyrings.sign(&folder, &request, "pin").success();
}

/// The same holder, machine, policy and PIN, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_terminals_have_a_key_in_common() {
    let keyrings = Keyrings::start("keyring-devices");
    let key =
        |name: &str| std::fs::read(keyrings.activated(name, "Marie Curie").1.join("device.p8")).unwrap();
    let keys: BTreeSet<Vec<u8>> = ["a", "b", "c"].into_iter().map(key).collect();
    assert_eq!(keys.len(), 3);
}
