//! Keys of holders on RSA: made in turns of their own, certified, and verified by anybody.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use sceau_element_api::keyring::{KeyringAlgorithm, KeyringPolicy};
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Request};
use sceau_pki::Certificate;

use super::stage::{Stage, Terminal, policy};

async fn stage() -> Stage {
    Stage::begin_with(KeyringPolicy { algorithm: Some(KeyringAlgorithm::Rs256), ..policy() }).await
}

#[tokio::test]
async fn a_key_of_rsa_signs_what_anybody_verifies() {
    let stage = stage().await;
    let mut terminal = stage.activated().await;
    let rs256 = |request: Request| Request { algorithm: Some(KeyringAlgorithm::Rs256), ..request };
    let request = rs256(stage.request(terminal.place.keyring, &[b"one", b"two"]));
    let used = terminal.sign(&stage, request).await.unwrap();
    let certificate = Certificate::from_der(&terminal.certificate, "holder").unwrap();
    let about = stage.client().keyrings_about().await.unwrap();
    let authority = Certificate::from_der(&about.authority.unwrap(), "authority").unwrap();
    assert!(certificate.is_signed_by(&authority));
    let spki = certificate.public_key_info();
    // RFC 8017 A.1.1 after the 24 bytes of its algorithm.
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    for (content, signature) in [b"one", b"two"].iter().zip(&used.signatures) {
        assert_eq!(signature.len(), 384, "3072 bits");
        key.verify(*content, signature).unwrap();
    }
    // It signs by its own algorithm alone, and after a restart.
    let stage = stage.restart().await;
    let other = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, other).await.unwrap_err(), Code::RequestInvalid);
    let request = rs256(stage.request(terminal.place.keyring, &[b"three"]));
    terminal.sign(&stage, request).await.unwrap();
}

/// Who finds no place in the line sends the same message again: the exchange stands, and nobody chooses a PIN anew.
#[tokio::test]
async fn keys_are_made_in_turns_and_who_finds_no_place_comes_again() {
    let stage = stage().await;
    let mut again = 0;
    // Where the machine has other work, keys may be made as fast as they are asked for: then nobody had to wait yet.
    for _ in 0..5 {
        let mut confirming = tokio::task::JoinSet::new();
        let mut begun = Vec::new();
        for _ in 0..8 {
            let package = stage.delivered().await;
            begun.push(Terminal::activating(stage.client(), &package).await);
        }
        for begun in begun {
            confirming.spawn(begun.confirmed());
        }
        for (_, answer, times) in confirming.join_all().await {
            assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
            again += times;
        }
        if again > 0 {
            break;
        }
    }
    assert!(again > 0, "one authority has half of the line");
}

/// A batch is signed in turns of its own, and comes back whole.
#[tokio::test]
async fn a_batch_is_signed_by_rsa() {
    let most = KeyringPolicy { algorithm: Some(KeyringAlgorithm::Rs256), batch_most: 100, ..policy() };
    let stage = Stage::begin_with(most).await;
    let mut terminal = stage.activated().await;
    let items: Vec<Vec<u8>> = (0..100_u8).map(|number| vec![number]).collect();
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    let request = stage.request(terminal.place.keyring, &items);
    let request = Request { algorithm: Some(KeyringAlgorithm::Rs256), ..request };
    assert_eq!(terminal.sign(&stage, request).await.unwrap().signatures.len(), 100);
}
