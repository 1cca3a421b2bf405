//! Contents that the keystore signs: for whom the datum was begun, and for no reader; and a key is given out for none that was not signed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sceau_crypto::jose::KeySet;
use sceau_crypto::jose::Statement;
use sceau_element_api::protect::{Called, CbcKey, Claims, ContentToSign, DatumId, Session};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, CallError, Client};
use serde_json::{Value, json};

use super::caller::{Caller, Protected};
use super::slow_signatures::{Gate, Slow};
use crate::house::{Keeping, ORIGIN, around, in_files, refused, shown};

const DIGEST: [u8; 32] = [7; 32];

/// A call whose key comes to a session of its own.
pub(crate) async fn ask(
    (application, client): (&mut Caller, &Client),
    user: &str,
    mut op: Value,
) -> Result<(Called, Session, String), CallError> {
    let session = Session::draw().unwrap();
    for (_, of) in op.as_object_mut().unwrap() {
        of["session"] = json!(session.public());
    }
    let call = application.sign(&application.claims(user, op));
    let jti = Claims::unverified(&call).unwrap().jti;
    let called = application.bring(client, call).await?;
    Ok((called, session, jti))
}

pub(crate) fn key_of((called, session, jti): &(Called, Session, String)) -> CbcKey {
    session.open_content(called.data_key.as_ref().unwrap(), &called.datum, jti).unwrap()
}

pub(crate) fn creation() -> Value {
    json!({"create": {"profile": "cbc-rs256", "grants": [{"to": {"user": "bob"}}]}})
}

pub(crate) fn to_sign(datum: DatumId, permit: &Base64Url) -> ContentToSign {
    ContentToSign { datum, permit: permit.clone(), sha256: Base64Url(DIGEST.to_vec()) }
}

fn opening(of: &Called, content: Option<&str>) -> Value {
    let mut open = json!({"open": {"datum": of.datum, "wrapped_key": of.wrapped_key}});
    if let Some(content) = content {
        open["open"]["content"] = json!(content);
    }
    open
}

#[tokio::test]
async fn a_content_is_signed_for_whom_it_began_and_opens_by_its_signature_alone() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let created = ask((application, &client), "alice", creation()).await.unwrap();
    let other = ask((application, &client), "alice", creation()).await.unwrap();
    let [key, key_of_other] = [&created, &other].map(key_of);
    let permit = key.permit.clone().unwrap();
    let signed = client.sign_content(to_sign(created.0.datum, &permit)).await.unwrap();
    let others = to_sign(other.0.datum, &key_of_other.permit.unwrap());
    let others = client.sign_content(others).await.unwrap();

    // Outsiders verify it by the published keys.
    let published = KeySet::parse(client.published_keys().await.unwrap().as_bytes()).unwrap();
    let statement = Statement::parse(&signed).unwrap();
    assert_eq!(statement.typ().as_deref(), Some("sceau-content"));
    let claims: HashMap<String, Value> =
        serde_json::from_slice(&published.verify(&statement).unwrap()).unwrap();
    assert_eq!((&claims["iss"], &claims["datum"]), (&json!(ORIGIN), &json!(created.0.datum)));
    assert_eq!(claims["sha256"], json!(Base64Url(DIGEST.to_vec())));

    let opened = ask((application, &client), "bob", opening(&created.0, Some(&signed))).await.unwrap();
    let again = key_of(&opened);
    assert_eq!((again.key.expose(), again.iv), (key.key.expose(), key.iv));
    assert!(again.permit.is_none(), "who reads signs nothing");
    refused(
        ask((application, &client), "mallory", opening(&created.0, Some(&signed))).await,
        Code::UserNotAuthorised,
    );

    // What bob could bring of his own: no signature, that of another datum, of the element's but of no content, one altered.
    let (input, signature) = signed.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let claims =
        Base64Url(json!({"datum": created.0.datum, "sha256": Base64Url(vec![8; 32])}).to_string().into());
    let replaced = format!("{header}.{}.{signature}", claims.encode());
    for forged in [others.as_str(), &replaced, "a.b.c", ""] {
        let forged = ask((application, &client), "bob", opening(&created.0, Some(forged))).await;
        refused(forged, Code::ContentInvalid);
    }
    refused(ask((application, &client), "bob", opening(&created.0, None)).await, Code::WrappedKeyInvalid);
    // Nor is the key of an envelope one of such a content.
    let envelope = ask((application, &client), "alice", json!({"create": {}})).await.unwrap();
    let mut planted = opening(&created.0, Some(&signed));
    planted["open"]["wrapped_key"] = json!(envelope.0.wrapped_key);
    refused(ask((application, &client), "bob", planted).await, Code::WrappedKeyInvalid);
    assert!(
        envelope
            .1
            .open_content(envelope.0.data_key.as_ref().unwrap(), &envelope.0.datum, &envelope.2)
            .is_err()
    );
}

#[tokio::test]
async fn a_permit_is_of_one_datum_and_of_one_run() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let created = ask((application, &client), "alice", creation()).await.unwrap();
    let other = ask((application, &client), "alice", creation()).await.unwrap();
    let (datum, permit) = (created.0.datum, key_of(&created).permit.unwrap());
    client.sign_content(to_sign(datum, &permit)).await.unwrap();
    refused(client.sign_content(to_sign(other.0.datum, &permit)).await, Code::ProofInvalid);
    // One that ends later, or a tag that is none.
    for at in [0, 8, 39] {
        let mut altered = permit.clone();
        altered.0[at] ^= 1;
        refused(client.sign_content(to_sign(datum, &altered)).await, Code::ProofInvalid);
    }
    for length in [0, 7, 39, 41] {
        let cut = Base64Url([permit.0.as_slice(), b"x"].concat()[..length].to_vec());
        refused(client.sign_content(to_sign(datum, &cut)).await, Code::ProofInvalid);
    }
    let short = ContentToSign { sha256: Base64Url(vec![7; 31]), ..to_sign(datum, &permit) };
    refused(client.sign_content(short).await, Code::Malformed);

    let of = |name: &str| json!({name: {"datum": datum}});
    application.ask(&client, "alice", of("deactivate")).await.unwrap();
    refused(client.sign_content(to_sign(datum, &permit)).await, Code::DatumInactive);
    application.ask(&client, "alice", of("activate")).await.unwrap();
    let signed = client.sign_content(to_sign(datum, &permit)).await.unwrap();
    application.ask(&client, "alice", of("erase")).await.unwrap();
    refused(client.sign_content(to_sign(datum, &permit)).await, Code::DatumErased);

    let kept = key_of(&other).permit.unwrap();
    drop(client);
    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    refused(client.sign_content(to_sign(other.0.datum, &kept)).await, Code::ProofInvalid);
    // What was signed stays so: its key does.
    let published = KeySet::parse(client.published_keys().await.unwrap().as_bytes()).unwrap();
    assert!(published.verify(&Statement::parse(&signed).unwrap()).is_ok());
}

#[tokio::test]
async fn a_permit_has_one_content_signed_and_that_is_on_record() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let created = ask((application, &client), "alice", creation()).await.unwrap();
    let (datum, permit) = (created.0.datum, key_of(&created).permit.unwrap());
    let size = async || client.hello().await.unwrap().size;
    let before = size().await;
    let signed = client.sign_content(to_sign(datum, &permit)).await.unwrap();
    assert_eq!(size().await, before + 1);
    let record = shown(&client, before).await;
    assert_eq!((record.action().as_str(), record.actor().id.as_str()), ("datum.sign", "element"));
    let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).unwrap().id.clone();
    assert_eq!(subject("datum"), datum.to_string());
    assert_eq!(subject("content"), Base64Url(DIGEST.to_vec()).encode());
    let entry = String::from_utf8(client.entries(before, 1).await.unwrap().concat()).unwrap();
    assert!(!entry.contains(&subject("content")) && !entry.contains(&subject("datum")), "committed");
    let listed = async || {
        let told = client.accesses(datum, None, 10).await.unwrap().list.into_iter();
        told.map(|one| (one.index, one.action, one.user.is_some(), one.signer)).collect::<Vec<_>>()
    };
    let signature = (before, "datum.sign".to_owned(), false, "element".to_owned());
    let created_at = (created.0.index, "datum.create".to_owned(), true, "one".to_owned());
    assert_eq!(listed().await, [signature.clone(), created_at.clone()]);

    // Who did not hear the answer has it again, whenever; another content is refused, and that is on record.
    assert_eq!(client.sign_content(to_sign(datum, &permit)).await.unwrap(), signed);
    assert_eq!(size().await, before + 1);
    let other = |byte| ContentToSign { sha256: Base64Url(vec![byte; 32]), ..to_sign(datum, &permit) };
    refused(client.sign_content(other(8)).await, Code::ProofInvalid);
    let entry = String::from_utf8(client.entries(before + 1, 1).await.unwrap().concat()).unwrap();
    assert!(entry.contains("datum.sign") && entry.contains("proof_invalid"), "{entry}");
    let record = shown(&client, before + 1).await;
    assert!(record.subjects().iter().any(|it| it.id == datum.to_string()), "whose permit is tried");
    assert_eq!(client.sign_content(to_sign(datum, &permit)).await.unwrap(), signed);

    // Of two that come at once, one.
    let created = ask((application, &client), "alice", creation()).await.unwrap();
    let (datum, permit) = (created.0.datum, key_of(&created).permit.unwrap());
    let of = |byte| ContentToSign { sha256: Base64Url(vec![byte; 32]), ..to_sign(datum, &permit) };
    let (one, two) = tokio::join!(client.sign_content(of(1)), client.sign_content(of(2)));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");

    // What follows a signature finds it, and a start that reads the journal does.
    let called =
        application.ask(&client, "alice", json!({"describe": {"datum": created.0.datum}})).await.unwrap();
    drop(client);
    house.element = house.element.restart().await;
    let told = house.element.client.accesses(created.0.datum, None, 10).await.unwrap();
    let listed: Vec<_> = told.list.iter().map(|one| (one.index, one.action.as_str())).collect();
    let index = created.0.index;
    assert_eq!(listed.last(), Some(&(index, "datum.create")), "{listed:?}");
    let after: Vec<_> = listed.iter().map(|(_, action)| *action).collect();
    assert_eq!(after, ["datum.describe", "datum.sign", "datum.create"]);
    assert_eq!(listed[0].0, called.index);
}

/// A house whose signatures by RSA wait at this gate.
async fn at_a_gate(gate: &Gate) -> Protected {
    let gate = gate.clone();
    let keystore =
        move |folder: &std::path::Path| Ok(around(Slow { inner: in_files(folder)?, gate: gate.clone() }));
    Protected::begin_with(Keeping {
        keystore: Arc::new(keystore),
        stuck_after: 5_000,
        ..Keeping::in_files(2)
    })
    .await
}

fn is_under_way(told: &Result<String, CallError>) -> bool {
    matches!(told, Err(CallError::Refused(refusal)) if refusal.code == Code::Unavailable)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_a_datum_while_its_content_is_signed_has_the_last_word() {
    let gate = Gate::default();
    let mut house = at_a_gate(&gate).await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let created = ask((application, &client), "alice", creation()).await.unwrap();
    let (datum, permit) = (created.0.datum, key_of(&created).permit.unwrap());
    let sign = |client: Client| {
        let content = to_sign(datum, &permit);
        async move { client.sign_content(content).await }
    };
    let closed = gate.close();
    let first = tokio::spawn(sign(client.clone()));
    gate.reached(1).await;
    assert!(is_under_way(&sign(client.clone()).await), "one request has it signed");
    application.ask(&client, "alice", json!({"deactivate": {"datum": datum}})).await.unwrap();
    drop(closed);
    refused(first.await.unwrap(), Code::StaleVersion);
    let refusal = shown(&client, client.hello().await.unwrap().size - 1).await;
    assert!(refusal.subjects().iter().any(|it| it.id == datum.to_string()));
    refused(sign(client.clone()).await, Code::DatumInactive);
    // No record came of it, and the same content may be signed: once.
    application.ask(&client, "alice", json!({"activate": {"datum": datum}})).await.unwrap();
    let before = gate.came();
    let signed = sign(client.clone()).await.unwrap();
    for _ in 0..8 {
        assert_eq!(sign(client.clone()).await.unwrap(), signed);
    }
    assert_eq!(gate.came(), before + 1, "what is on record costs no key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_that_wait_for_their_signature_keep_no_call_waiting_and_are_told() {
    let gate = Gate::default();
    let mut house = at_a_gate(&gate).await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let mut contents = Vec::new();
    for _ in 0..8 {
        let created = ask((application, &client), "alice", creation()).await.unwrap();
        contents.push(to_sign(created.0.datum, &key_of(&created).permit.unwrap()));
    }
    let datum = contents[0].datum;
    let before = gate.came();
    let closed = gate.close();
    let asked = contents.iter().map(|content| {
        let (client, content) = (client.clone(), content.clone());
        tokio::spawn(async move { client.sign_content(content).await })
    });
    let asked: Vec<_> = asked.collect();
    gate.reached(4).await;
    // More than a connection carries at once, of which some may wait.
    let permit = Base64Url(vec![0; 40]);
    let flood = (0..1_100).map(|_| {
        let (client, content) = (client.clone(), to_sign(datum, &permit));
        tokio::spawn(async move { client.sign_content(content).await })
    });
    let flood: Vec<_> = flood.collect();
    let turned_away = async {
        while flood.iter().filter(|one| one.is_finished()).count() < 900 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), turned_away).await.expect("they fill the connection");
    let plain = application.ask(&client, "alice", json!({"describe": {"datum": datum}}));
    tokio::time::timeout(Duration::from_secs(3), plain).await.expect("it waits behind signatures").unwrap();
    // Nobody else calls: these alone are at work, and none ends.
    while client.hello().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(gate.most(), 4, "at once");
    drop(closed);
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(gate.came(), before + 8);
}
