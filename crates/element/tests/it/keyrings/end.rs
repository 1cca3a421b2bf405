//! A keyring's end: by its holder with the PIN, or by its authority; nothing of it is used or brought back afterwards.

use sceau_element_api::keyring::{DestroyReason, KeyringPhase, RequestKind, ResumeReason, SuspendReason};
use sceau_element_api::wire::Code;
use sceau_element_api::{KeyringActorId, KeyringId, Kind};
use sceau_keyring::{
    Answer, Ask, Destroy, Login, Pin, Request, Resume, Statement, Suspend, TransactionProof,
};
use sceau_trace::{ActorKind, Asserted, Hash};

use super::stage::{Key, PIN, Stage, Talk, Terminal, refused};

fn destroy(keyring: KeyringId, version: Hash) -> Ask {
    Ask::Destroy(Destroy { keyring, version, reason: DestroyReason::Compromised })
}

/// What a holder asks of their own keyring.
fn end_of(stage: &Stage, keyring: KeyringId) -> Request {
    let of = KeyringActorId::of_holder(keyring);
    Request {
        kind: RequestKind::Destroy,
        provider: of,
        items: Vec::new(),
        algorithm: None,
        ..stage.request(keyring, &[b"x"])
    }
}

async fn gone(stage: &Stage, terminal: &mut Terminal) {
    let keyring = terminal.place.keyring;
    let seen = terminal.standing(stage).await;
    assert_eq!(seen.phase, KeyringPhase::Destroyed);
    let request = stage.request(keyring, &[b"x"]);
    assert_eq!(terminal.attempt(stage, request, PIN).await.err(), Some(Code::KeyringDestroyed));
    let resume = Ask::Resume(Resume { keyring, version: seen.hash, reason: ResumeReason::Found });
    let suspend = Ask::Suspend(Suspend { keyring, terminal: None, reason: SuspendReason::Lost });
    for ask in [resume, suspend, destroy(keyring, seen.hash)] {
        assert_eq!(refused(&stage.asks(&stage.registrar, ask).await), Code::KeyringDestroyed);
    }
}

#[tokio::test]
async fn its_authority_ends_it_for_good() {
    let stage = Stage::begin().await;
    let (mut terminal, other) = (stage.activated().await, stage.activated().await);
    let keyring = terminal.place.keyring;
    let version = stage.standing(keyring).await.hash;
    for (by, code) in [
        (&stage.other_registrar, Code::NotAuthorised),
        (&stage.support, Code::ActorUnknown),
        (&stage.officer, Code::ActorUnknown),
        (&terminal.device, Code::ActorUnknown),
    ] {
        assert_eq!(refused(&stage.asks(by, destroy(keyring, version)).await), code);
    }
    // What was seen of another one ends nothing.
    let others = stage.standing(other.place.keyring).await.hash;
    assert_eq!(refused(&stage.asks(&stage.registrar, destroy(keyring, others)).await), Code::StaleVersion);

    let Answer::Stopped(done) = stage.asks(&stage.registrar, destroy(keyring, version)).await else {
        panic!()
    };
    let record = crate::house::shown(stage.client(), done.index).await;
    assert_eq!(
        (record.action().as_str(), record.detail()["reason"].as_str()),
        ("keyring.destroy", "compromised")
    );
    gone(&stage, &mut terminal).await;
    let mut stage = stage.restart().await;
    gone(&stage, &mut terminal).await;
    stage.later(400 * 24 * 3600 * 1000).await;
    assert_eq!(terminal.standing(&stage).await.phase, KeyringPhase::Destroyed);
}

#[tokio::test]
async fn its_holder_ends_it_with_the_pin() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    let used = terminal.ends(&stage, end_of(&stage, keyring), PIN).await.unwrap();
    assert!(used.signatures.is_empty());
    let record = crate::house::shown(stage.client(), used.index).await;
    assert_eq!(record.action().as_str(), "keyring.destroy");
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Holder, Asserted::Terminal));
    let about = stage.client().keyrings_about().await.unwrap();
    let word = sceau_crypto::jose::PublicJwk::parse(about.word.as_bytes()).unwrap();
    let proof = TransactionProof::verify_by(&used.proof, &word).unwrap();
    assert_eq!((proof.keyring, proof.hashes.len()), (keyring, 0));
    assert_eq!(record.detail()["proof"], proof.record_hash().to_string());
    let row = stage.client().current(Kind::Keyring, keyring).await.unwrap().unwrap();
    assert_eq!((row.version, row.index), (4, used.index));
    gone(&stage, &mut terminal).await;
}

#[tokio::test]
async fn a_holder_ends_nothing_without_the_pin_nor_another_ones() {
    let stage = Stage::begin().await;
    let (terminal, mut other) = (stage.activated().await, stage.activated().await);
    let (keyring, theirs) = (terminal.place.keyring, other.place.keyring);
    // With a wrong PIN, which counts.
    let mut attempt = terminal.tries(&stage, end_of(&stage, keyring), "111222").await.unwrap();
    assert!(attempt.proven.is_none());
    attempt.talk.ask(&terminal.device, Ask::Failed {}).await;
    drop(attempt);
    assert_eq!(terminal.standing(&stage).await.tries.wrong, 1);
    // In a provider's word, or a provider's name.
    let request = stage.asked(&end_of(&stage, keyring));
    assert_eq!(login(&stage, &terminal, request).await, Code::ActorUnknown);
    let named = Request { provider: stage.provider_id, ..end_of(&stage, keyring) };
    assert_eq!(login(&stage, &terminal, named.sign(&terminal.device).unwrap()).await, Code::RequestInvalid);
    // To sign, in the holder's own word.
    let to_sign = Request { provider: KeyringActorId::of_holder(keyring), ..stage.request(keyring, &[b"x"]) };
    assert_eq!(login(&stage, &terminal, to_sign.sign(&terminal.device).unwrap()).await, Code::RequestInvalid);
    // Of another keyring, and signed by its terminal.
    let elsewhere = end_of(&stage, theirs);
    assert_eq!(
        login(&stage, &terminal, elsewhere.sign(&terminal.device).unwrap()).await,
        Code::RequestInvalid
    );
    assert_eq!(login(&stage, &terminal, elsewhere.sign(&other.device).unwrap()).await, Code::ActorUnknown);

    // A consent to this one's end, spent on the other's.
    let mine = terminal.tries(&stage, end_of(&stage, keyring), PIN).await.unwrap();
    let consent = terminal.consent_by(&mine, &terminal.device.spki).sign(&terminal.device).unwrap();
    let mut attempt = other.tries(&stage, end_of(&stage, theirs), PIN).await.unwrap();
    let (ask, _) = other.uses(&attempt, &consent);
    assert_eq!(refused(&attempt.talk.ask(&other.device, ask).await), Code::ProofInvalid);
    // And a consent to sign, spent on an end.
    let to_sign = other.attempt(&stage, stage.request(theirs, &[b"x"]), PIN).await.unwrap();
    let consent = other.consent(&stage, &to_sign).sign(&other.device).unwrap();
    // Nobody else calls the element while it starts anew.
    drop((mine, attempt, to_sign));
    let mut stage = stage;
    stage.later(31_000).await;
    let mut attempt = other.tries(&stage, end_of(&stage, theirs), PIN).await.unwrap();
    let (ask, _) = other.uses(&attempt, &consent);
    assert_eq!(refused(&attempt.talk.ask(&other.device, ask).await), Code::SadInvalid);
    let request = stage.request(theirs, &[b"x"]);
    other.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn an_old_copy_of_the_terminal_ends_nothing() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    let old = terminal.secret.duplicate();
    let request = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
    let new = std::mem::replace(&mut terminal.secret, old);
    let refused = terminal.ends(&stage, end_of(&stage, keyring), PIN).await.unwrap_err();
    assert_eq!(refused, Code::SecretStale);
    terminal.secret = new;
    let request = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn one_that_was_not_activated_ends_too_and_its_code_activates_nothing() {
    let stage = Stage::begin().await;
    let package = stage.delivered().await;
    let version = stage.standing(package.keyring).await.hash;
    stage.asks(&stage.registrar, destroy(package.keyring, version)).await;
    let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
    let (_, register) = Pin::parse(PIN).unwrap().register().unwrap();
    let asked = super::stage::asked_to_activate(&device, &talk, &package, &register);
    assert_eq!(refused(&talk.ask(&device, Ask::Activate(asked)).await), Code::KeyringDestroyed);
}

/// How a login with this request is refused.
async fn login(stage: &Stage, terminal: &Terminal, request: String) -> Code {
    let (mut talk, pin) = (Talk::begin(stage.client()).await, Pin::parse(PIN).unwrap());
    let (_, ke1) = pin.login().unwrap();
    let (keyring, terminal_id) = (terminal.place.keyring, terminal.place.terminal);
    let ask = Login { keyring, terminal: terminal_id, request, ke1: ke1.as_slice().into(), expecting: None };
    refused(&talk.ask(&terminal.device, Ask::Login(ask)).await)
}
