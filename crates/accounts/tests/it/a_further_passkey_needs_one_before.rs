use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use sceau_element_api::{Base64Url, Kind};
use serde_json::{Value, json};

use crate::support::{Answer, ORIGIN, SoftPasskey, World};

/// The first two steps; what is to be proven.
async fn prepare(world: &World, cookie: &str, fresh: &mut SoftPasskey) -> Value {
    let begun = world.call(Method::POST, "/v1/passkeys/add/begin", cookie, Value::Null).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.body);
    let credential = fresh.create(&begun.body["public_key"]);
    let body = json!({"registration_id": begun.body["registration_id"], "credential": credential});
    let prepared = world.call(Method::POST, "/v1/passkeys/add/prepare", cookie, body).await;
    assert_eq!(prepared.status, StatusCode::OK, "{}", prepared.body);
    prepared.body
}

fn proof(signer: &mut SoftPasskey, prepared: &Value) -> Value {
    let payload = Base64Url::decode(prepared["payload"].as_str().unwrap()).unwrap();
    signer.prove(Kind::Credential, &payload, serde_json::from_value(prepared["nonce"].clone()).unwrap())
}

async fn confirm(world: &World, cookie: &str, prepared: &Value, proof: Value) -> Answer {
    let body = json!({"payload": prepared["payload"], "proof": proof});
    world.call(Method::POST, "/v1/passkeys/add", cookie, body).await
}

#[tokio::test]
async fn the_second_passkey_is_signed_by_the_first_and_both_sign_in() {
    let world = World::new().await;
    let mut person = world.register("a@example.org", None).await;
    let mut second = SoftPasskey::new(ORIGIN);
    let prepared = prepare(&world, &person.cookie, &mut second).await;
    assert_eq!(prepared["proof_required"], true);
    let proof = proof(&mut person.passkey, &prepared);
    let done = confirm(&world, &person.cookie, &prepared, proof).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.body);
    assert_eq!(world.login(&mut second).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.login(&mut person.passkey).await.status, StatusCode::NO_CONTENT);

    let begun = world.call(Method::POST, "/v1/passkeys/add/begin", &person.cookie, Value::Null).await;
    assert_eq!(begun.body["public_key"]["excludeCredentials"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn neither_the_platform_nor_a_stranger_nor_the_new_one_itself_can_vouch() {
    let world = World::new().await;
    let person = world.register("a@example.org", None).await;
    let mut stranger = world.register("b@example.org", None).await;
    let mut second = SoftPasskey::new(ORIGIN);
    let cookie = &person.cookie;

    let prepared = prepare(&world, cookie, &mut second).await;
    let refused = confirm(&world, cookie, &prepared, json!({"type": "platform-asserted"})).await;
    assert_eq!(refused.code(), (403, "proof_required"));
    let prepared = prepare(&world, cookie, &mut second).await;
    let by_stranger = proof(&mut stranger.passkey, &prepared);
    assert_eq!(confirm(&world, cookie, &prepared, by_stranger).await.code(), (403, "not_authorised"));
    let prepared = prepare(&world, cookie, &mut second).await;
    let by_itself = proof(&mut second, &prepared);
    assert_eq!(confirm(&world, cookie, &prepared, by_itself).await.code(), (403, "credential_unknown"));
    assert_eq!(world.login(&mut second).await.code(), (401, "credentials_refused"));

    // What one prepared, another cannot confirm.
    let prepared = prepare(&world, cookie, &mut second).await;
    let by_stranger = proof(&mut stranger.passkey, &prepared);
    let elsewhere = confirm(&world, &stranger.cookie, &prepared, by_stranger).await;
    assert_eq!(elsewhere.code(), (409, "ceremony_over"));
}

#[tokio::test]
async fn an_account_with_a_password_gets_its_first_passkey_even_across_a_crash() {
    let mut world = World::new().await;
    let who = json!({"email": "p@example.org", "name": "P", "password": "correct horse battery"});
    let cookie = world.post("/v1/passwords/register", who).await.cookie();
    let mut first = SoftPasskey::new(ORIGIN);
    let prepared = prepare(&world, &cookie, &mut first).await;
    assert_eq!(prepared["proof_required"], false);
    world.element.loses_answers.store(true, Ordering::SeqCst);
    let lost = confirm(&world, &cookie, &prepared, json!({"type": "platform-asserted"})).await;
    assert_eq!(lost.code(), (503, "element_unavailable"));
    assert_eq!(world.login(&mut first).await.code().0, 401);
    world.element.loses_answers.store(false, Ordering::SeqCst);
    world.restart().await;
    assert_eq!(world.login(&mut first).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.me(&cookie).await.body["account"]["has_passkey"], true);
}
