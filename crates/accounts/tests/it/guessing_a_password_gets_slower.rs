use axum::http::StatusCode;
use sceau_store::Rule;
use serde_json::json;

use crate::support::{Answer, World};

const PASSWORD: &str = "correct horse battery";

/// No token bucket in the way: these tests are about the lock.
async fn world() -> World {
    World::with(|config| {
        let open = Rule { burst: 1_000, every_ms: 1 };
        config.limits.login_by_source = open;
        config.limits.password_by_email = open;
        config.limits.register_by_source = open;
    })
    .await
}

async fn register(world: &World, email: &str) -> Answer {
    world.post("/v1/passwords/register", json!({"email": email, "name": "Paul", "password": PASSWORD})).await
}

async fn login(world: &World, email: &str, password: &str) -> Answer {
    world.post("/v1/passwords/login", json!({"email": email, "password": password})).await
}

#[tokio::test]
async fn a_citizen_signs_in_with_a_password() {
    let world = world().await;
    let registered = register(&world, "paul@example.org").await;
    assert_eq!(registered.status, StatusCode::NO_CONTENT, "{}", registered.body);
    let answer = login(&world, "Paul@example.ORG", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let me = world.me(&answer.cookie()).await;
    assert_eq!(
        (&me.body["account"]["has_passkey"], &me.body["account"]["has_password"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn the_lock_grows_and_hides_behind_the_same_words() {
    let world = world().await;
    register(&world, "paul@example.org").await;
    let unknown = login(&world, "nobody@example.org", PASSWORD).await;
    assert_eq!(unknown.code(), (401, "credentials_refused"));

    for _ in 0..5 {
        let wrong = login(&world, "paul@example.org", "wrong horse battery").await;
        assert_eq!(wrong.body, unknown.body, "a wrong password and an unknown address read the same");
    }
    let locked = login(&world, "paul@example.org", PASSWORD).await;
    assert_eq!(locked.body, unknown.body, "so does a locked one");
    world.clock.advance(30_000);
    assert_eq!(login(&world, "paul@example.org", "wrong horse battery").await.code().0, 401);
    world.clock.advance(30_000);
    assert_eq!(
        login(&world, "paul@example.org", PASSWORD).await.code().0,
        401,
        "the sixth locks for a minute"
    );
    world.clock.advance(30_000);
    assert_eq!(login(&world, "paul@example.org", PASSWORD).await.status, StatusCode::NO_CONTENT);
    for _ in 0..4 {
        login(&world, "paul@example.org", "wrong horse battery").await;
    }
    let after = login(&world, "paul@example.org", PASSWORD).await;
    assert_eq!(after.status, StatusCode::NO_CONTENT, "success forgives, and four slips are free");
}

#[tokio::test]
async fn many_guesses_at_once_do_not_slip_under_the_lock() {
    let world = world().await;
    register(&world, "paul@example.org").await;
    let guesses = (0..12).map(|_| login(&world, "paul@example.org", "wrong horse battery"));
    futures::future::join_all(guesses).await;
    let find = sceau_accounts::statements::FIND_PASSWORD;
    let row = world.database.fetch_one(find, sceau_store::params!["paul@example.org"]).await.unwrap();
    // Five were judged; the others met the lock that the fifth had put up before its own hash was computed.
    assert_eq!(row.get::<u32>("failures").unwrap(), 5);
    assert_eq!(row.get::<u64>("locked_until").unwrap(), world.now() + 30_000);
}

#[tokio::test]
async fn a_taken_address_and_a_weak_password_make_no_account() {
    let world = world().await;
    register(&world, "paul@example.org").await;
    assert_eq!(register(&world, "paul@example.org").await.code(), (422, "registration_refused"));
    let weak = json!({"email": "p@example.org", "name": "P", "password": "short"});
    assert_eq!(world.post("/v1/passwords/register", weak).await.code(), (422, "password_unacceptable"));
}

#[tokio::test]
async fn staff_cannot_have_a_password() {
    let world = world().await;
    let link = world.accounts.first_administrator_link().await.unwrap().unwrap();
    let token = crate::support::token_of(&link);
    let who = json!({"email": "r@example.org", "name": "R", "password": PASSWORD, "invitation": token});
    assert_eq!(world.post("/v1/passwords/register", who).await.code(), (403, "passkey_required"));
}

#[tokio::test]
async fn buckets_throttle_an_address_before_any_hash_is_computed() {
    let world =
        World::with(|config| config.limits.password_by_email = Rule { burst: 2, every_ms: 60_000 }).await;
    for _ in 0..2 {
        assert_eq!(login(&world, "x@example.org", PASSWORD).await.code().0, 401);
    }
    let throttled = login(&world, "x@example.org", PASSWORD).await;
    assert_eq!(throttled.code(), (429, "too_many_requests"));
    assert_eq!(throttled.headers["retry-after"], "60");
    assert_eq!(login(&world, "y@example.org", PASSWORD).await.code().0, 401);
}
