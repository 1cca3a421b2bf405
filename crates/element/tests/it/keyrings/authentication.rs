//! Who a holder is: shown to who may ask, once, by the PIN and a consent that is of nothing else; and nothing is signed for it.

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::{Disclosure, KeyringPolicy, RequestKind};
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Request, Statement, TransactionProof, Used};
use sceau_trace::{ActorKind, Asserted, Outcome};

use super::stage::{PIN, Stage, Terminal, identity, policy, refused};
use crate::house::shown;

pub(super) fn asks(stage: &Stage, terminal: &Terminal) -> Request {
    let kind = RequestKind::Authenticate;
    let signing = stage.request(terminal.place.keyring, &[]);
    Request { kind, algorithm: None, nonce: Some("session-17".to_owned()), ..signing }
}

async fn proof(stage: &Stage, used: &Used) -> TransactionProof {
    let about = stage.client().keyrings_about().await.unwrap();
    TransactionProof::verify_by(&used.proof, &PublicJwk::parse(about.word.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_holder_shows_who_it_is_once_and_on_record() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let request = asks(&stage, &terminal);
    let used = terminal.sign(&stage, request.clone()).await.unwrap();
    assert!(used.signatures.is_empty());
    let proof = proof(&stage, &used).await;
    assert_eq!((proof.id, proof.description), (request.request, request.description_hash()));
    assert_eq!((proof.kind, proof.nonce.as_deref()), (RequestKind::Authenticate, Some("session-17")));
    assert_eq!((proof.keyring, proof.terminal), (terminal.place.keyring, terminal.place.terminal));
    assert_eq!((proof.provider, proof.index), (stage.provider_id, Some(used.index)));
    assert_eq!(proof.identity, None, "the policy has nobody told who it is");

    let record = shown(stage.client(), used.index).await;
    assert_eq!((record.action().as_str(), record.outcome()), ("keyring.authenticate", Outcome::Granted));
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Holder, Asserted::Terminal));
    assert_eq!(record.detail()["proof"], proof.record_hash().to_string());
    assert_eq!(record.detail()["request"], proof.request.to_string());
    assert!(!record.detail().contains_key("signatures"));

    assert_eq!(terminal.sign(&stage, request.clone()).await.unwrap_err(), Code::RequestSpent);
    let stage = stage.restart().await;
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::RequestSpent);
    // The terminal's secret was turned with the others: it signs.
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn the_identity_is_told_where_the_policy_says_so() {
    let stage = Stage::begin_with(KeyringPolicy { discloses: Disclosure::Identity, ..policy() }).await;
    let mut terminal = stage.activated().await;
    let request = asks(&stage, &terminal);
    let used = terminal.sign(&stage, request).await.unwrap();
    let told = proof(&stage, &used).await;
    assert_eq!(told.identity, Some(identity()));
    let signing = stage.request(terminal.place.keyring, &[b"x"]);
    let used = terminal.sign(&stage, signing).await.unwrap();
    assert_eq!(proof(&stage, &used).await.identity, None, "a signature has the certificate");
    for entry in &stage.client().entries(0, 100).await.unwrap() {
        assert!(!String::from_utf8_lossy(entry).contains("Curie"), "the log names nobody");
    }
}

#[tokio::test]
async fn who_may_ask_for_signatures_alone_is_not_told_who_it_is_nor_the_other_way_round() {
    for (kinds, refused_kind) in
        [([RequestKind::Sign], RequestKind::Authenticate), ([RequestKind::Authenticate], RequestKind::Sign)]
    {
        let stage = Stage::begin_for(policy(), kinds.to_vec()).await;
        let mut terminal = stage.activated().await;
        let (signing, asking) = (stage.request(terminal.place.keyring, &[b"x"]), asks(&stage, &terminal));
        let (good, bad) = match refused_kind {
            RequestKind::Sign => (asking, signing),
            _ => (signing, asking),
        };
        assert_eq!(terminal.sign(&stage, bad).await.unwrap_err(), Code::ActorUnknown, "{refused_kind:?}");
        terminal.sign(&stage, good).await.unwrap();
    }
}

#[tokio::test]
async fn a_consent_to_be_shown_signs_nothing_and_one_to_sign_shows_nobody() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let (signing, asking) = (stage.request(terminal.place.keyring, &[b"x"]), asks(&stage, &terminal));
    for (login, agreed) in [(&signing, &asking), (&asking, &signing)] {
        let mut attempt = terminal.attempt(&stage, login.clone(), PIN).await.unwrap();
        // The holder agreed to the one, and the way has the other under it.
        let (request, jws) = (agreed.clone(), stage.asked(agreed));
        let honest = std::mem::replace(&mut attempt.request, request);
        let asked = std::mem::replace(&mut attempt.jws, jws);
        let sad = terminal.consent(&stage, &attempt).sign(&terminal.device).unwrap();
        (attempt.request, attempt.jws) = (honest, asked);
        let (ask, _) = terminal.uses(&attempt, &sad);
        assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::SadInvalid);
        let last = stage.client().hello().await.unwrap().size - 1;
        let record = shown(stage.client(), last).await;
        let action = if login == &signing { "keyring.sign" } else { "keyring.authenticate" };
        assert_eq!((record.action().as_str(), record.code()), (action, "sad_invalid"));
    }
    // Neither was used up.
    terminal.sign(&stage, signing).await.unwrap();
    terminal.sign(&stage, asking).await.unwrap();
}

#[tokio::test]
async fn wrong_pins_count_whatever_was_asked() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for at in 0..3 {
        let signing = stage.request(terminal.place.keyring, &[b"x"]);
        let request = if at == 1 { signing } else { asks(&stage, &terminal) };
        let mut attempt = terminal.attempt(&stage, request, "111222").await.unwrap();
        let answer = attempt.talk.ask(&terminal.device, sceau_keyring::Ask::Failed {}).await;
        assert!(matches!(answer, Answer::Noted {}));
    }
    let request = asks(&stage, &terminal);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::KeyringBlocked);
}

#[tokio::test]
async fn a_request_for_who_it_is_has_nothing_to_sign() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let signing = stage.request(terminal.place.keyring, &[b"x"]);
    let asking = asks(&stage, &terminal);
    let bad = [
        Request { kind: RequestKind::Authenticate, ..signing.clone() },
        Request { algorithm: None, ..signing.clone() },
        Request { algorithm: signing.algorithm, ..asking.clone() },
        Request { kind: RequestKind::Sign, ..asking },
    ];
    for request in bad {
        let payload = serde_json::to_vec(&request).unwrap();
        let typ = sceau_crypto::Typ::KeyringRequest;
        let jws = sceau_keyring::sign_jws(typ, &stage.provider, &payload).unwrap();
        let mut talk = super::stage::Talk::begin(stage.client()).await;
        let (_, ke1) = sceau_keyring::Pin::parse(PIN).unwrap().login().unwrap();
        let answer = talk.ask(&terminal.device, terminal.login(&jws, &ke1)).await;
        assert_eq!(refused(&answer), Code::RequestInvalid, "{request:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_ended_ends_signatures_alone() {
    let mut stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let year = 366 * 24 * 3600 * 1000;
    stage.later(year).await;
    let late = |request: Request| Request { time: request.time + year, ends: request.ends + year, ..request };
    let (signing, asking) = (stage.request(terminal.place.keyring, &[b"x"]), asks(&stage, &terminal));
    let refusal = terminal.attempt(&stage, late(signing), PIN).await.err();
    assert_eq!(refusal, Some(Code::KeyringPhase));
    let attempt = terminal.attempt(&stage, late(asking), PIN).await;
    assert!(attempt.is_ok_and(|attempt| attempt.proven.is_some()));
}
