use axum::http::StatusCode;
use serde_json::json;

use crate::support::{ORIGIN, SoftPasskey, World};

#[tokio::test]
async fn a_citizen_registers_signs_out_and_in_again() {
    let world = World::new().await;
    let mut citizen = world.register(" Marie@Example.org ", None).await;
    let me = world.me(&citizen.cookie).await;
    assert_eq!(me.status, StatusCode::OK);
    let account = &me.body["account"];
    assert_eq!(account["email"], "marie@example.org");
    assert_eq!(account["role"], "citizen");
    assert_eq!((&account["has_passkey"], &account["has_password"]), (&json!(true), &json!(false)));
    assert_eq!(world.element.last(3), ["account.enrol granted", "credential.enrol granted", "login granted"]);

    let out =
        world.call(axum::http::Method::POST, "/v1/logout", &citizen.cookie, serde_json::Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(world.me(&citizen.cookie).await.code(), (401, "not_signed_in"));

    let again = world.login(&mut citizen.passkey).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "{}", again.body);
    assert_eq!(world.me(&again.cookie()).await.body["account"]["id"], account["id"]);
    assert_eq!(world.element.last(2), ["logout granted", "login granted"]);
}

#[tokio::test]
async fn no_personal_datum_enters_the_trace() {
    let world = World::new().await;
    world.register("marie@example.org", None).await;
    for record in world.element.records() {
        let text = String::from_utf8(record.to_bytes()).unwrap();
        assert!(!text.contains("marie") && !text.contains("Someone"), "{text}");
    }
}

#[tokio::test]
async fn ceremonies_are_used_once_in_time_and_for_their_own_challenge() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let begin = || world.post("/v1/passkeys/login/begin", serde_json::Value::Null);
    let finish = |id: &serde_json::Value, credential| {
        world.post("/v1/passkeys/login/finish", json!({"login_id": id, "credential": credential}))
    };

    let (one, two) = (begin().await, begin().await);
    let answer = citizen.passkey.get(&one.body["public_key"]);
    assert_eq!(
        finish(&two.body["login_id"], answer.clone()).await.code(),
        (403, "passkey_challenge_mismatch")
    );
    assert_eq!(finish(&two.body["login_id"], answer.clone()).await.code(), (409, "ceremony_over"));
    assert_eq!(finish(&one.body["login_id"], answer.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(finish(&one.body["login_id"], answer).await.code(), (409, "ceremony_over"));

    let late = begin().await;
    let answer = citizen.passkey.get(&late.body["public_key"]);
    world.clock.advance(300_000);
    assert_eq!(finish(&late.body["login_id"], answer).await.code(), (409, "ceremony_over"));
}

/// A platform that chose the challenge of a sign-in could have an administrator's passkey sign an attestation with it.
#[tokio::test]
async fn what_a_server_gives_is_never_signed_as_it_came() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let begun = world.post("/v1/passkeys/login/begin", serde_json::Value::Null).await;
    let raw = citizen.passkey.answer(begun.body["public_key"]["challenge"].as_str().unwrap());
    let body = json!({"login_id": begun.body["login_id"], "credential": raw});
    let refused = world.post("/v1/passkeys/login/finish", body).await;
    assert_eq!(refused.code(), (403, "passkey_challenge_mismatch"));
}

#[tokio::test]
async fn foreign_pages_unknown_keys_copied_keys_and_borrowed_names_are_refused() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let other = world.register("b@example.org", None).await;

    citizen.passkey.origin = "http://sceau.localhost.evil.example".into();
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (403, "passkey_origin_mismatch"));
    citizen.passkey.origin = ORIGIN.into();

    let handle = std::mem::replace(&mut citizen.passkey.user_handle, other.passkey.user_handle.clone());
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (401, "credentials_refused"));
    citizen.passkey.user_handle = handle;

    citizen.passkey.counter = 0; // a copy made before the last use
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (401, "credentials_refused"));
    assert_eq!(world.login(&mut citizen.passkey).await.status, StatusCode::NO_CONTENT);

    let mut stranger = SoftPasskey::new(ORIGIN);
    assert_eq!(world.login(&mut stranger).await.code(), (401, "credentials_refused"));
    assert_eq!(world.element.last(1), ["login refused credentials_refused"]);

    let mut impostor = SoftPasskey::new(ORIGIN);
    impostor.id = citizen.passkey.id.clone();
    impostor.user_handle = citizen.passkey.user_handle.clone();
    impostor.counter = 100;
    assert_eq!(world.login(&mut impostor).await.code(), (403, "passkey_signature_invalid"));
}

#[tokio::test]
async fn staff_must_be_verified_by_the_authenticator_citizens_need_not() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    citizen.passkey.user_verified = false;
    assert_eq!(world.login(&mut citizen.passkey).await.status, StatusCode::NO_CONTENT);

    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    let mut passkey = SoftPasskey::new(ORIGIN);
    passkey.user_verified = false;
    let refused =
        world.register_with(&mut passkey, "r@example.org", Some(crate::support::token_of(&link))).await;
    assert_eq!(refused.code(), (403, "passkey_user_verification_missing"));
    let mut admin = world.first_administrator().await;
    admin.passkey.user_verified = false;
    assert_eq!(world.login(&mut admin.passkey).await.code(), (403, "passkey_user_verification_missing"));
}

#[tokio::test]
async fn a_passkey_that_is_enrolled_already_makes_no_second_account() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let again = world.register_with(&mut citizen.passkey, "b@example.org", None).await;
    assert_eq!(again.code(), (422, "registration_refused"));
}
