use axum::http::StatusCode;
use sceau_store::{Statement, params};

use crate::support::World;

const HOUR: u64 = 3_600_000;

#[tokio::test]
async fn by_rest_by_age_and_by_hand() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    world.clock.advance(HOUR - 1);
    assert_eq!(world.me(&citizen.cookie).await.status, StatusCode::OK);
    world.clock.advance(HOUR - 1);
    assert_eq!(world.me(&citizen.cookie).await.status, StatusCode::OK, "use keeps it alive");
    world.clock.advance(HOUR);
    assert_eq!(world.me(&citizen.cookie).await.code(), (401, "not_signed_in"), "an hour of rest ends it");

    let cookie = world.login(&mut citizen.passkey).await.cookie();
    for _ in 0..15 {
        assert_eq!(world.me(&cookie).await.status, StatusCode::OK);
        world.clock.advance(HOUR * 12 / 15);
    }
    assert_eq!(world.me(&cookie).await.code().0, 401, "twelve hours end it, used or not");

    let (one, two) =
        (world.login(&mut citizen.passkey).await.cookie(), world.login(&mut citizen.passkey).await.cookie());
    let id = world.me(&one).await.body["account"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.accounts.end_sessions(id).await.unwrap(), 2);
    assert_eq!((world.me(&one).await.code().0, world.me(&two).await.code().0), (401, 401));
}

#[tokio::test]
async fn the_cookie_is_guarded_and_only_its_hash_is_kept() {
    let world = World::new().await;
    let mut passkey = crate::support::SoftPasskey::new(crate::support::ORIGIN);
    let answer = world.register_with(&mut passkey, "a@example.org", None).await;
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    assert!(!set.contains("Secure"), "plain loopback");
    let token = answer.cookie().split_once('=').unwrap().1.to_owned();
    assert_eq!(token.len(), 43);
    let all = Statement::new("ALL", "SELECT token_hash FROM session");
    let rows = world.database.fetch_all(all, params![]).await.unwrap();
    let kept: Vec<u8> = rows[0].get("token_hash").unwrap();
    let bytes = sceau_element_api::Base64Url::decode(&token).unwrap();
    assert_eq!(kept, sceau_crypto::sha256(&bytes));
}

#[test]
fn the_relying_party_is_the_host_of_the_origin() {
    for origin in ["http://sceau.localhost:8080", "https://sceau.localhost", "https://sceau.localhost:8443"] {
        assert_eq!(sceau_accounts::AccountsConfig::at(origin).rp_id, "sceau.localhost");
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_of_this_host_alone() {
    let world = World::with(|config| config.origin = "https://sceau.localhost".into()).await;
    let mut passkey = crate::support::SoftPasskey::new("https://sceau.localhost");
    let who = serde_json::json!({"email": "a@example.org", "name": "A"});
    let post = |path: &str, body: serde_json::Value| {
        axum::http::Request::post(path)
            .header("origin", "https://sceau.localhost")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap()
    };
    let begun = world.send(post("/v1/passkeys/register/begin", who)).await;
    let credential = passkey.create(&begun.body["public_key"]);
    let finish =
        serde_json::json!({"registration_id": begun.body["registration_id"], "credential": credential});
    let done = world.send(post("/v1/passkeys/register/finish", finish)).await;
    let set = done.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-sceau_session=") && set.ends_with("; Secure"), "{set}");
    assert!(set.contains("; Path=/;") && !set.contains("Domain"), "what __Host- demands: {set}");
    assert_eq!(world.me(&done.cookie()).await.status, StatusCode::OK);
    // A page on another port, or a neighbour without TLS, may plant the other name: it says nothing here.
    let planted = done.cookie().replace("__Host-", "");
    assert_eq!(world.me(&planted).await.code(), (401, "not_signed_in"));
    assert_eq!(world.me(&format!("{planted}; {}", done.cookie())).await.status, StatusCode::OK);
    let request = axum::http::Request::post("/v1/logout")
        .header("origin", "https://sceau.localhost")
        .header("cookie", done.cookie())
        .body(axum::body::Body::empty())
        .unwrap();
    let left = world.send(request).await;
    let forgotten = left.headers["set-cookie"].to_str().unwrap();
    assert!(forgotten.starts_with("__Host-sceau_session=;") && forgotten.ends_with("; Max-Age=0; Secure"));
    assert_eq!(world.me(&done.cookie()).await.code(), (401, "not_signed_in"));
}

#[tokio::test]
async fn made_up_and_doubled_cookies_are_nobody() {
    let world = World::new().await;
    let citizen = world.register("a@example.org", None).await;
    let name = "sceau_session";
    for cookie in [
        format!("{name}="),
        format!("{name}=AAAA"),
        format!("{name}={}", "A".repeat(43)),
        format!("{}; {name}={}", citizen.cookie, "A".repeat(43)),
        citizen.cookie.replace(name, "other"),
    ] {
        assert_eq!(world.me(&cookie).await.code(), (401, "not_signed_in"), "{cookie}");
    }
    assert_eq!(world.me(&format!("theme=dark; {}", citizen.cookie)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_open_while_the_element_is_away() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    world.element.down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(world.me(&citizen.cookie).await.code(), (503, "element_unavailable"));
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (503, "element_unavailable"));
    world.element.down.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(world.me(&citizen.cookie).await.status, StatusCode::OK);
}
