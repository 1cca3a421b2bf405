use axum::http::{Method, StatusCode};
use sceau_element_api::{Base64Url, Kind, OrganisationId};
use serde_json::{Value, json};

use crate::support::{ORIGIN, SoftPasskey, World, token_of};

async fn view(world: &World, token: &str) -> crate::support::Answer {
    world.call(Method::GET, &format!("/v1/invitations/{token}"), "", Value::Null).await
}

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_works_once_and_expires() {
    let world = World::new().await;
    let old = world.accounts.first_administrator_link().await.unwrap().unwrap();
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    assert!(link.starts_with(&format!("{ORIGIN}/invitation#")), "{link}");
    assert_eq!(
        view(&world, token_of(&old)).await.code(),
        (404, "invitation_unknown"),
        "a new link voids the old"
    );
    assert_eq!(view(&world, token_of(&link)).await.body["role"], "platform_admin");

    world.clock.advance(24 * 3_600_000);
    let mut passkey = SoftPasskey::new(ORIGIN);
    let late = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(late.code(), (404, "invitation_unknown"));

    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    let admin = world.register("r@example.org", Some(token_of(&link))).await;
    assert_eq!(world.me(&admin.cookie).await.body["account"]["role"], "platform_admin");
    let again = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(again.code(), (404, "invitation_unknown"));
    assert!(world.accounts.first_administrator_link().await.unwrap().is_none(), "there is one now");
}

#[tokio::test]
async fn staff_comes_by_invitation_with_the_role_and_address_that_were_signed() {
    let world = World::new().await;
    let mut admin = world.first_administrator().await;
    let organisation = world.organisation(&mut admin, "Ville de Lyon").await;
    let answer = world.invite(&mut admin, "organisation_admin", Some(organisation), "Boss@example.org").await;
    let link = answer.body["link"].as_str().unwrap().to_owned();
    let shown = view(&world, token_of(&link)).await;
    assert_eq!(
        shown.body,
        json!({"role": "organisation_admin", "organisation_name": "Ville de Lyon", "email": "boss@example.org"})
    );
    let boss = world.register("someone.else@example.org", Some(token_of(&link))).await;
    let me = world.me(&boss.cookie).await.body;
    assert_eq!(me["account"]["organisation"], organisation.to_string());
    assert_eq!(me["account"]["email"], "boss@example.org");
}

#[tokio::test]
async fn an_invitation_needs_the_inviters_own_passkey_over_those_bytes() {
    let world = World::new().await;
    let mut admin = world.first_administrator().await;
    let mut citizen = world.register("c@example.org", None).await;
    let organisation = world.organisation(&mut admin, "Ville de Lyon").await;
    let whom = json!({"role": "organisation_admin", "organisation": organisation, "email": "x@example.org"});
    let prepare = || world.call(Method::POST, "/v1/invitations/prepare", &admin.cookie, whom.clone());
    let confirm = |payload: Value, proof: Value| {
        let proven = json!({"payload": payload, "proof": proof});
        world.call(Method::POST, "/v1/invitations", &admin.cookie, proven)
    };

    let prepared = prepare().await.body;
    let refused = confirm(prepared["payload"].clone(), json!({"type": "platform-asserted"})).await;
    assert_eq!(refused.code(), (403, "proof_required"), "the platform's word makes no staff");

    let prepared = prepare().await.body;
    let payload = Base64Url::decode(prepared["payload"].as_str().unwrap()).unwrap();
    let nonce: sceau_element_api::Nonce = serde_json::from_value(prepared["nonce"].clone()).unwrap();
    let proof = citizen.passkey.prove(Kind::Account, &payload, nonce);
    assert_eq!(confirm(prepared["payload"].clone(), proof).await.code(), (403, "not_authorised"));

    let forged =
        String::from_utf8(payload.0.clone()).unwrap().replace("organisation_admin", "platform_admin");
    let proof = json!({"type": "platform-asserted"});
    let forged = confirm(json!(Base64Url(forged.into_bytes()).encode()), proof).await;
    assert_eq!(forged.code(), (409, "ceremony_over"), "only what was prepared can be confirmed");

    let unknown = json!({"role": "organisation_admin", "organisation": OrganisationId::random(), "email": "x@example.org"});
    let answer = world.call(Method::POST, "/v1/invitations/prepare", &admin.cookie, unknown).await;
    assert_eq!(answer.code(), (422, "organisation_unknown"));
}

#[tokio::test]
async fn an_organisation_administrator_invites_to_his_own_organisation_only() {
    let world = World::new().await;
    let mut admin = world.first_administrator().await;
    let own = world.organisation(&mut admin, "Lyon").await;
    let other = world.organisation(&mut admin, "Brest").await;
    let mut boss = world.staff(&mut admin, "organisation_admin", Some(own), "boss@example.org").await;
    let refused = world.invite(&mut boss, "case_officer", Some(other), "x@example.org").await;
    assert_eq!(refused.code(), (403, "not_authorised"));
    let link = world.invite(&mut boss, "case_officer", Some(own), "x@example.org").await;
    assert_eq!(link.status, StatusCode::CREATED);
}

#[tokio::test]
async fn two_who_hold_one_link_make_one_account() {
    let world = World::new().await;
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    let begin = || {
        world.post(
            "/v1/passkeys/register/begin",
            json!({"email": "r@example.org", "name": "R", "invitation": token_of(&link)}),
        )
    };
    let (one, two) = (begin().await.body, begin().await.body);
    let finish = |begun: Value| {
        let credential = SoftPasskey::new(ORIGIN).create(&begun["public_key"]);
        let body = json!({"registration_id": begun["registration_id"], "credential": credential});
        let world = &world;
        async move { world.post("/v1/passkeys/register/finish", body).await }
    };
    assert_eq!(finish(one).await.status, StatusCode::NO_CONTENT);
    assert_eq!(finish(two).await.code(), (422, "registration_refused"));
}
