use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{ORIGIN, SoftPasskey, World, token_of};

#[tokio::test]
async fn attested_but_not_confirmed_is_promoted_at_the_next_start() {
    let mut world = World::new().await;
    // Each attestation is done and its answer lost: the account at the first try…
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    world.element.loses_answers.store(true, Ordering::SeqCst);
    let mut passkey = SoftPasskey::new(ORIGIN);
    let lost = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(lost.code(), (503, "element_unavailable"));
    assert_eq!(world.login(&mut passkey).await.code().0, 401, "what was not acknowledged does not count yet");

    // …so a restart forgets it, since its passkey was never attested, and a new link leads to the same account.
    world.element.loses_answers.store(false, Ordering::SeqCst);
    world.restart().await;
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    world.element.loses_answers.store(true, Ordering::SeqCst);
    let lost = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(lost.code(), (503, "element_unavailable"), "the passkey is attested now, its answer lost");

    // …and now everything is attested: a restart completes it.
    world.element.loses_answers.store(false, Ordering::SeqCst);
    world.restart().await;
    assert_eq!(world.login(&mut passkey).await.status, StatusCode::NO_CONTENT);
    assert!(world.accounts.first_administrator_link().await.unwrap().is_none());
}

#[tokio::test]
async fn an_invitation_survives_an_element_that_was_away() {
    let world = World::new().await;
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    world.element.down.store(true, Ordering::SeqCst);
    let mut passkey = SoftPasskey::new(ORIGIN);
    let away = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(away.code(), (503, "element_unavailable"));
    world.element.down.store(false, Ordering::SeqCst);
    // Without a restart: after the ceremony's time the remains of the first try are settled.
    world.clock.advance(300_001);
    let again = world.register_with(&mut passkey, "r@example.org", Some(token_of(&link))).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "{}", again.body);
}

#[tokio::test]
async fn an_address_is_free_again_after_a_registration_that_was_cut_short() {
    let mut world = World::new().await;
    let who = json!({"email": "p@example.org", "name": "P", "password": "correct horse battery"});
    world.element.down.store(true, Ordering::SeqCst);
    assert_eq!(world.post("/v1/passwords/register", who.clone()).await.code().0, 503);
    world.element.down.store(false, Ordering::SeqCst);
    world.restart().await;
    assert_eq!(world.post("/v1/passwords/register", who.clone()).await.status, StatusCode::NO_CONTENT);
    world.restart().await;
    let login = json!({"email": "p@example.org", "password": "correct horse battery"});
    assert_eq!(world.post("/v1/passwords/login", login).await.status, StatusCode::NO_CONTENT);
}
