//! What works: from the officer's policy to a signature that anybody verifies, on record.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use sceau_element_api::Kind;
use sceau_element_api::keyring::{Keyring, KeyringPhase};
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Ask, Pin, Statement, TransactionProof};
use sceau_pki::Certificate;
use sceau_trace::{ActorKind, Asserted, Outcome};

use super::stage::{Key, PIN, Stage, Talk, Terminal, asked_to_activate, refused};
use crate::house::shown;

#[tokio::test]
async fn a_keyring_is_made_delivered_activated_and_signs() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"one", b"two"]);
    let used = terminal.sign(&stage, request).await.unwrap();

    let about = stage.client().keyrings_about().await.unwrap();
    let certificate = Certificate::from_der(&terminal.certificate, "holder").unwrap();
    let authority = Certificate::from_der(&about.authority.unwrap(), "authority").unwrap();
    assert!(certificate.is_signed_by(&authority));
    assert_eq!(certificate.subject().common_name().unwrap(), "Marie Curie");
    let spki = certificate.public_key_info();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki[spki.len() - 65..]);
    for (content, signature) in [b"one", b"two"].iter().zip(&used.signatures) {
        key.verify(*content, signature).unwrap();
    }

    let word = sceau_crypto::jose::PublicJwk::parse(about.word.as_bytes()).unwrap();
    let proof = TransactionProof::verify_by(&used.proof, &word).unwrap();
    assert_eq!(proof.signatures, TransactionProof::signatures_hash(&used.signatures));
    let record = shown(stage.client(), used.index).await;
    assert_eq!((record.action().as_str(), record.outcome()), ("keyring.sign", Outcome::Granted));
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Holder, Asserted::Terminal));
    assert_eq!(record.actor().id, terminal.place.keyring.to_string());
    assert_eq!(record.detail()["request"], proof.request.to_string());
    assert_eq!(record.detail()["proof"], proof.record_hash().to_string());
    assert_eq!(proof.index, Some(used.index));

    // Again, with the secret that took the first one's place, and after a restart.
    let stage = stage.restart().await;
    let request = stage.request(terminal.place.keyring, &[b"three"]);
    terminal.sign(&stage, request).await.unwrap();

    // The log shows no keyring, and nobody's name.
    for entry in &stage.client().entries(0, 100).await.unwrap() {
        let text = String::from_utf8_lossy(entry);
        assert!(!text.contains(&terminal.place.keyring.to_string()) && !text.contains("Curie"), "{text}");
    }
}

#[tokio::test]
async fn the_second_activation_of_a_keyring_is_told_that_it_is_active() {
    let stage = Stage::begin().await;
    let package = stage.delivered().await;
    let (_, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)));
    let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
    let (_, register) = Pin::parse(PIN).unwrap().register().unwrap();
    let asked = asked_to_activate(&device, &talk, &package, &register);
    assert_eq!(refused(&talk.ask(&device, Ask::Activate(asked)).await), Code::KeyringPhase);
}

#[tokio::test]
async fn the_platform_sees_where_a_keyring_stands_and_attests_none() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let row = stage.client().current(Kind::Keyring, terminal.place.keyring).await.unwrap().unwrap();
    assert_eq!(row.version, 3);
    let document = Keyring {
        v: 1,
        keyring: terminal.place.keyring,
        organisation: stage.policy.organisation,
        policy: stage.policy.policy,
        policy_hash: stage.policy_version.hash,
        authority: stage.access.actors[0].id,
        phase: KeyringPhase::Destroyed,
        made: 1,
        activated: None,
        terminals: Vec::new(),
        key: None,
        blocked: None,
        suspended: None,
        roaming: None,
        former: Vec::new(),
        face: None,
    };
    let refused = crate::house::by_platform(stage.client(), &document, Some(row.version())).await;
    assert_eq!(refused.unwrap_err().refusal().unwrap().code, Code::ProofRequired);
}

#[tokio::test]
async fn an_element_without_an_officer_serves_none_and_keeps_its_journal_as_before() {
    let element = crate::house::Element::begin();
    let refused = element.client.keyrings_about().await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, Code::KindNotServed);
    let refused = element.client.keyring_context().await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, Code::KindNotServed);
    assert_eq!(element.client.hello().await.unwrap().size, 1, "the start alone is on record");
    let refused =
        super::stage::publish(&element.client, &Key::certified("officer"), &super::stage::policy(), None)
            .await;
    assert_eq!(refused.unwrap_err().refusal().unwrap().code, Code::KindNotServed);
}

/// The embedded authority is for ten years, and nothing makes another.
#[tokio::test]
async fn no_keyring_is_made_whose_certificate_would_be_cut_short() {
    const DAY: u64 = 24 * 3600 * 1000;
    let mut stage = Stage::begin().await;
    // Ten years, less the days in which it may be activated, and those of its certificate.
    let last = 3653 - 30 - 365;
    stage.later((last - 1) * DAY).await;
    stage.fabricate().await;
    stage.later((last + 1) * DAY).await;
    let mut talk = Talk::begin(stage.client()).await;
    let ask = Ask::Fabricate { policy: stage.policy.policy };
    assert_eq!(refused(&talk.ask(&stage.registrar, ask).await), Code::KeyringPhase);
}
