//! Keyrings that only show who their holder is: a PIN and a terminal's secret, no key, no certificate, and nothing that signs.

use sceau_element_api::keyring::{CertificateSource, KeyringPolicy, KeyringUse, PinRule};
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, NO_KEY};

use super::authentication::asks;
use super::stage::{PIN, Stage, Terminal, policy};
use crate::house::shown;

async fn stage() -> Stage {
    Stage::begin_with(KeyringPolicy {
        r#use: KeyringUse::Authenticate,
        pin: PinRule { least: 4, most: 8 },
        algorithm: None,
        authority: CertificateSource::None,
        ..policy()
    })
    .await
}

#[tokio::test]
async fn no_key_is_made_and_none_certified() {
    let stage = stage().await;
    let package = stage.delivered().await;
    let (mut terminal, answer) = Terminal::activate(stage.client(), &package).await;
    let Answer::Activated(activated) = answer else { panic!("{answer:?}") };
    assert!(activated.certificate.is_none() && activated.chain.is_empty());
    assert_eq!(terminal.place.key, NO_KEY);
    let record = shown(stage.client(), activated.index).await;
    assert_eq!(record.action().as_str(), "keyring.activate");
    assert!(!record.detail().contains_key("certificate"));

    for _ in 0..2 {
        let request = asks(&stage, &terminal);
        let used = terminal.sign(&stage, request).await.unwrap();
        assert!(used.signatures.is_empty() && used.certificate.is_none() && used.chain.is_empty());
    }
}

#[tokio::test]
async fn a_request_to_sign_is_refused_and_counts_nothing() {
    let stage = stage().await;
    let mut terminal = stage.activated().await;
    for algorithm in [None, stage.request(terminal.place.keyring, &[b"x"]).algorithm] {
        let mut request = stage.request(terminal.place.keyring, &[b"x"]);
        request.algorithm = algorithm;
        let payload = serde_json::to_vec(&request).unwrap();
        let jws =
            sceau_keyring::sign_jws(sceau_crypto::Typ::KeyringRequest, &stage.provider, &payload).unwrap();
        let mut talk = super::stage::Talk::begin(stage.client()).await;
        let (_, ke1) = sceau_keyring::Pin::parse(PIN).unwrap().login().unwrap();
        let answer = talk.ask(&terminal.device, terminal.login(&jws, &ke1)).await;
        assert_eq!(super::stage::refused(&answer), Code::RequestInvalid);
    }
    let request = asks(&stage, &terminal);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_copy_of_its_terminal_is_stale_and_three_wrong_pins_block() {
    let stage = stage().await;
    let mut terminal = stage.activated().await;
    let copied = terminal.secret.duplicate();
    let request = asks(&stage, &terminal);
    terminal.sign(&stage, request).await.unwrap();
    let current = std::mem::replace(&mut terminal.secret, copied);
    let request = asks(&stage, &terminal);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::SecretStale);
    terminal.secret = current;
    for _ in 0..3 {
        let request = asks(&stage, &terminal);
        let mut attempt = terminal.attempt(&stage, request, "1112").await.unwrap();
        attempt.talk.ask(&terminal.device, sceau_keyring::Ask::Failed {}).await;
    }
    let request = asks(&stage, &terminal);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::KeyringBlocked);
}
