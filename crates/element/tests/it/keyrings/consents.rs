//! Consents and requests: each field of a consent counts, a request is used once, and a copy of a terminal is seen.

use sceau_element_api::Base64Url;
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::{Answer, Request, Sad, Statement, bad_requests, good_request};
use sceau_trace::sha256;
use serde_json::{Value, json};

use super::stage::{Key, PIN, Stage, now, refused};
use crate::house::ORIGIN;

/// What a consent may be made to say instead.
fn others() -> Vec<(&'static str, Value)> {
    let (hash, id) = (json!("00".repeat(32)), json!("0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77"));
    let bytes = |length: usize| json!(Base64Url::from(vec![7; length]).encode());
    vec![
        ("keyring", id),
        ("key", bytes(16)),
        ("terminal", bytes(32)),
        ("provider", hash.clone()),
        ("request", hash.clone()),
        ("description", hash.clone()),
        ("hashes", json!([bytes(32)])),
        ("hashes", json!([])),
        ("algorithm", json!("RS256")),
        ("count", json!(2)),
        ("policy", hash.clone()),
        ("state", json!({"version": 2, "hash": "00".repeat(32)})),
        ("challenge", bytes(32)),
        ("seq", json!(3)),
        ("opaque", hash),
        ("time", json!(1)),
        ("ends", json!(4_000_000_000_000_u64)),
    ]
}

#[tokio::test]
async fn a_consent_of_which_any_field_is_another_signs_nothing() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for (field, value) in others() {
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
        let mut sad = serde_json::to_value(terminal.consent(&stage, &attempt)).unwrap();
        assert_ne!(sad[field], value, "{field}");
        sad[field] = value;
        let sad: Sad = serde_json::from_value(sad).unwrap();
        let (ask, _) = terminal.uses(&attempt, &sad.sign(&terminal.device).unwrap());
        assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::SadInvalid, "{field}");
    }
    // Each field is on the list, but the format and the one hash that there is.
    let fields: Vec<_> = others().into_iter().map(|(field, _)| field).collect();
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let sad = serde_json::to_value(terminal.consent(&stage, &attempt)).unwrap();
    for field in sad.as_object().unwrap().keys() {
        assert!(fields.contains(&field.as_str()) || ["v", "hash"].contains(&field.as_str()), "{field}");
    }
    drop(attempt);
    // The PIN was right each time: nothing is blocked. That last attempt cools down.
    let mut stage = stage;
    stage.later(31_000).await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_consent_by_another_key_signs_nothing() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let sad = terminal.consent(&stage, &attempt).sign(&Key::device()).unwrap();
    let (ask, _) = terminal.uses(&attempt, &sad);
    assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::ProofInvalid);
}

#[tokio::test]
async fn a_request_is_used_once() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request.clone()).await.unwrap();
    assert_eq!(terminal.sign(&stage, request.clone()).await.unwrap_err(), Code::RequestSpent);
    // Signed anew with the same id, and after a restart.
    let stage = stage.restart().await;
    let changed = Request { description: "Signer autre chose".to_owned(), ..request };
    assert_eq!(terminal.sign(&stage, changed).await.unwrap_err(), Code::RequestSpent);
}

#[tokio::test]
async fn a_request_is_its_providers_own_and_within_the_policy() {
    let stage = Stage::begin().await;
    let (mut terminal, other) = (stage.activated().await, stage.activated().await);
    let keyring = terminal.place.keyring;
    let good = || stage.request(keyring, &[b"x"]);
    // The table that each door plays; of no others the element finds the words.
    for bad in bad_requests() {
        let mut request = good_request(stage.provider_id, keyring, ORIGIN, now());
        (bad.turn)(&mut request, &stage.policy);
        let refused = begun(&stage, &terminal, &stage.asked(&request)).await;
        assert_eq!((refused.code, refused.detail.as_str()), (bad.code, bad.words), "{}", bad.name);
    }
    let others = stage.request(other.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, others).await.unwrap_err(), Code::RequestInvalid);
    // Signed by a registration authority, by a stranger, and with a hash that was flipped after the provider signed.
    let request = good();
    for by in [&stage.registrar, &Key::certified("stranger")] {
        let jws = request.sign(by).unwrap();
        assert_eq!(begun(&stage, &terminal, &jws).await.code, Code::ActorUnknown);
    }
    let jws = stage.asked(&request);
    let mut parts: Vec<_> = jws.split('.').map(str::to_owned).collect();
    let mut payload: Value = serde_json::from_slice(&Base64Url::decode(&parts[1]).unwrap()).unwrap();
    payload["items"][0]["hash"] = json!(Base64Url::from(sha256(b"y").as_bytes().as_slice()));
    parts[1] = Base64Url::from(payload.to_string().as_bytes()).encode();
    assert_eq!(begun(&stage, &terminal, &parts.join(".")).await.code, Code::ProofInvalid);
    let request = good();
    terminal.sign(&stage, request).await.unwrap();
}

/// How a login with this request is refused.
async fn begun(stage: &Stage, terminal: &super::stage::Terminal, jws: &str) -> Refusal {
    let mut talk = super::stage::Talk::begin(stage.client()).await;
    let (_, ke1) = sceau_keyring::Pin::parse(PIN).unwrap().login().unwrap();
    match talk.ask(&terminal.device, terminal.login(jws, &ke1)).await {
        Answer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_copy_of_a_terminal_is_stale_after_the_holders_next_use() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let copied = terminal.secret.duplicate();
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
    let current = std::mem::replace(&mut terminal.secret, copied);
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::SecretStale);
    let last = stage.client().hello().await.unwrap().size - 1;
    let record = crate::house::shown(stage.client(), last).await;
    assert_eq!((record.action().as_str(), record.code()), ("keyring.sign", "secret_stale"), "it is seen");
    terminal.secret = current;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn another_keyrings_terminal_record_and_box_open_nothing() {
    let stage = Stage::begin().await;
    let (one, mut other) = (stage.activated().await, stage.activated().await);
    // The same PIN, the other's names: what the platform could swap is in the journal, and what the terminal names is another's.
    let own = std::mem::replace(&mut other.place, one.place);
    let request = stage.request(one.place.keyring, &[b"x"]);
    assert_eq!(other.attempt(&stage, request, PIN).await.err(), Some(Code::ActorUnknown));
    other.place = sceau_keyring::Place { keyring: own.keyring, ..one.place };
    let request = stage.request(own.keyring, &[b"x"]);
    assert_eq!(other.attempt(&stage, request, PIN).await.err(), Some(Code::ActorUnknown));
    // With the other key's id its box does not open.
    other.place = sceau_keyring::Place { key: one.place.key, ..own };
    let request = stage.request(own.keyring, &[b"x"]);
    let mut attempt = other.attempt(&stage, request, PIN).await.unwrap();
    other.place = own;
    let sad = other.consent(&stage, &attempt).sign(&other.device).unwrap();
    other.place = sceau_keyring::Place { key: one.place.key, ..own };
    let (ask, _) = other.uses(&attempt, &sad);
    let answer = attempt.talk.ask(&other.device, ask).await;
    assert!(matches!(&answer, Answer::Refused(refusal) if refusal.code == Code::SecretStale), "{answer:?}");
}
