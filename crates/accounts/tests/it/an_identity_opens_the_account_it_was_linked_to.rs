//! An identity of a provider opens the one account that a passkey bound it to; neither an address, a setting nor a row opens another.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use sceau_accounts::oidc::{Preset, Providers};
use sceau_element_api::{Base64Url, Kind, Role};
use sceau_store::params;
use serde_json::{Value, json};

use crate::support::ISSUER;
use crate::support::signing_in::{house, house_of, link, party, prepare_link, query, session};

/// What somebody who has the database may do.
mod tampering {
    sceau_store::statements! {
        pub MOVE_IDENTITY = "UPDATE identity SET account = $1";
        pub READ_IDENTITY = "SELECT payload FROM identity";
        pub EDIT_IDENTITY = "UPDATE identity SET payload = $1";
        pub DELETE_IDENTITY = "DELETE FROM identity";
    }
}

#[tokio::test]
async fn an_identity_is_linked_by_a_fresh_passkey_and_by_nothing_else() {
    let house = house().await;
    let mut lea = house.world.register("lea@example.org", None).await;
    let id = house.world.me(&lea.cookie).await.body["account"]["id"].clone();
    let begin = |cookie: String| {
        let world = &house.world;
        async move { world.call(Method::POST, "/v1/providers/id/link/begin", &cookie, Value::Null).await }
    };
    let begun = begin(lea.cookie.clone()).await;
    let url = begun.body["url"].as_str().unwrap().to_owned();
    let (state, browser) = (query(&url, "state").unwrap(), begun.cookie());
    let both = format!("{}; {browser}", lea.cookie);
    let arrival =
        json!({"provider": "id", "state": state, "code": house.double.consent(&url, "lea"), "iss": ISSUER});
    // What began as a link ends as none but a link, and in the same account.
    let as_sign_in = house.world.call(Method::POST, "/v1/providers/finish", &both, arrival.clone()).await;
    assert_eq!(as_sign_in.code(), (409, "ceremony_over"));
    let prepared = house.world.call(Method::POST, "/v1/providers/link/prepare", &both, arrival).await;
    assert_eq!(prepared.status, StatusCode::OK, "{}", prepared.body);
    let unproven = json!({"payload": prepared.body["payload"], "proof": {"type": "platform-asserted"}});
    let answer = house.world.call(Method::POST, "/v1/providers/link", &lea.cookie, unproven).await;
    assert_eq!(answer.code(), (403, "passkey_required"));

    link(&house, &mut lea, "lea").await;
    assert_eq!(house.world.me(&lea.cookie).await.body["account"]["providers"], json!(["id"]));
    let by_provider = house.sign_in().await;
    assert_eq!(by_provider.body["first"], false);
    assert_eq!(house.world.me(&session(&by_provider)).await.body["account"]["id"], id);

    // Who has no passkey cannot link: nothing would say that it is he.
    let other = house
        .world
        .post(
            "/v1/passwords/register",
            json!({"email": "noe@example.org", "name": "Noé",
        "password": "une phrase assez longue"}),
        )
        .await;
    assert_eq!(begin(other.cookie()).await.code(), (403, "passkey_required"));
}

#[tokio::test]
async fn staff_enter_by_a_provider_only_where_it_was_given_their_role() {
    let mut house =
        house_of(Preset::Keycloak, |settings| settings.roles = vec![Role::Citizen, Role::CaseOfficer]).await;
    let mut admin = house.world.first_administrator().await;
    let organisation = house.world.organisation(&mut admin, "Ville de Lyon").await;
    let mut boss =
        house.world.staff(&mut admin, "organisation_admin", Some(organisation), "boss@example.org").await;
    let mut officer = house.world.staff(&mut boss, "case_officer", None, "officer@example.org").await;
    link(&house, &mut officer, "officer").await;
    link(&house, &mut boss, "boss").await;
    let enter = |subject: &'static str| {
        let house = &house;
        async move {
            let away = house.leave().await;
            let code = house.double.consent(&away.url, subject);
            let body = json!({"provider": "id", "state": away.state, "code": code, "iss": ISSUER});
            house.world.call(Method::POST, "/v1/providers/finish", &away.cookie, body).await
        }
    };
    assert_eq!(
        enter("boss").await.code(),
        (403, "passkey_required"),
        "its role was not given to the provider"
    );
    let cookie = session(&enter("officer").await);
    assert_eq!(house.world.me(&cookie).await.status, StatusCode::OK);
    // The settings change: the session has ended with the right to it.
    let double = Arc::clone(&house.double);
    house.world.config.providers = Providers::new(vec![party(&double, Preset::Keycloak, "id", |_| {})]);
    house.world.restart().await;
    assert_eq!(house.world.me(&cookie).await.code(), (403, "passkey_required"));
}

#[tokio::test]
async fn a_link_is_ended_and_taken_up_again_by_a_passkey_of_the_account() {
    let house = house().await;
    let mut lea = house.world.register("lea@example.org", None).await;
    link(&house, &mut lea, "lea").await;
    let by_provider = session(&house.sign_in().await);
    let unlink = |cookie: String| {
        let world = &house.world;
        async move { world.call(Method::POST, "/v1/providers/id/unlink", &cookie, Value::Null).await }
    };
    let prepared = unlink(lea.cookie.clone()).await;
    let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
    let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
    let proof = lea.passkey.prove(Kind::Identity, &payload, nonce);
    let proven = json!({"payload": prepared.body["payload"], "proof": proof});
    let ended = house.world.call(Method::POST, "/v1/providers/link", &lea.cookie, proven).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.body);
    assert_eq!(house.sign_in().await.code(), (403, "identity_unknown"));
    assert_eq!(
        house.world.me(&by_provider).await.code(),
        (401, "not_signed_in"),
        "with the link ended its sessions"
    );
    assert_eq!(house.world.me(&lea.cookie).await.body["account"]["providers"], json!([]));
    assert_eq!(unlink(lea.cookie.clone()).await.code(), (404, "provider_unknown"));
    // Nobody else takes it.
    let mut noe = house.world.register("noe@example.org", None).await;
    assert_eq!(prepare_link(&house, &mut noe, "lea").await.1.code(), (409, "identity_taken"));
    link(&house, &mut lea, "lea").await;
    assert_eq!(house.sign_in().await.body["first"], false);
}

#[tokio::test]
async fn a_row_that_sends_an_identity_to_another_account_is_refused_and_recorded() {
    let house = house().await;
    let lea = house.sign_in().await;
    let victim = house.world.register("victim@example.org", None).await;
    let victim = house.world.me(&victim.cookie).await.body["account"]["id"].as_str().unwrap().to_owned();
    let edited = house.world.database.execute(tampering::MOVE_IDENTITY, params![&victim]).await.unwrap();
    assert_eq!(edited, 1);
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    let id = house.world.me(&session(&lea)).await.body["account"]["id"].as_str().unwrap().to_owned();
    // Nor with the bytes made to fit.
    let row =
        house.world.database.fetch_optional(tampering::READ_IDENTITY, params![]).await.unwrap().unwrap();
    let payload = String::from_utf8(row.get::<Vec<u8>>("payload").unwrap()).unwrap().replace(&id, &victim);
    house.world.database.execute(tampering::EDIT_IDENTITY, params![payload.as_bytes()]).await.unwrap();
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    assert!(house.world.element.last(2).contains(&"access refused tampered".to_owned()));
    // Nor by having none: the identity makes no second account.
    house.world.database.execute(tampering::DELETE_IDENTITY, params![]).await.unwrap();
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    assert_eq!(house.world.element.last(1), ["login refused tampered"]);
}

#[tokio::test]
async fn whoever_begins_links_without_end_takes_nobodys_place() {
    let house = house().await;
    let lea = house.world.register("lea@example.org", None).await;
    let begin = || house.world.call(Method::POST, "/v1/providers/id/link/begin", &lea.cookie, Value::Null);
    for _ in 0..60 {
        assert_eq!(begin().await.status, StatusCode::OK);
    }
    assert_eq!(begin().await.code(), (429, "too_many_requests"));
    let unlink = house.world.call(Method::POST, "/v1/providers/id/unlink", &lea.cookie, Value::Null).await;
    assert_eq!(unlink.code(), (429, "too_many_requests"));
}
