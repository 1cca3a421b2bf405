//! A code is for the client, the address and the verifier that it was asked with, once, for a minute; a token for its time, or until it is taken back.

use serde_json::json;

use crate::stage::{Browser, NOW, REDIRECT, Stage, VERIFIER, claims, request};

#[tokio::test]
async fn a_code_becomes_tokens_once() {
    let stage = Stage::raise().await;
    let back = Browser::default().log_in(&stage, &request(&[])).await;
    assert_eq!(
        (back.told("state").as_str(), back.told("iss").as_str()),
        ("st&ate", "https://login.example.org")
    );
    assert!(back.to().as_str().starts_with(&format!("{REDIRECT}&code=")), "its own query stays");
    let answer = stage.redeem(&back.told("code")).await;
    let told = answer.json();
    assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(told["scope"], "openid profile", "what it is not registered for is left out");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let said = claims(&answer);
    for (claim, value) in [
        ("iss", json!("https://login.example.org")),
        ("aud", json!("library")),
        ("azp", json!("library")),
        ("nonce", json!("n-0S6")),
        ("auth_time", json!(NOW / 1000)),
        ("iat", json!(NOW / 1000)),
        ("exp", json!(NOW / 1000 + 600)),
        ("acr", json!("urn:sceau:keyring")),
    ] {
        assert_eq!(said[claim], value, "{claim}");
    }
    let token = told["access_token"].as_str().unwrap();
    let info = stage.userinfo(token).await;
    assert_eq!(info.json(), json!({"sub": said["sub"], "name": "Marie <Curie>"}));

    // Its second use ends the token too.
    assert_eq!(stage.redeem(&back.told("code")).await.error(), "invalid_grant");
    let refused = stage.userinfo(token).await;
    assert_eq!((refused.status.as_u16(), refused.error().as_str()), (401, "invalid_token"));
    assert!(refused.headers["www-authenticate"].contains("invalid_token"));
}

#[tokio::test]
async fn a_code_is_worth_nothing_with_anything_else() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    for (name, value) in [
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj"),
        ("code_verifier", "short"),
        ("redirect_uri", "https://library.example.org/callback"),
        ("code", "0000000000000000000000000000000000000000000"),
    ] {
        let back = browser.log_in(&stage, &request(&[])).await;
        let code = back.told("code");
        let own = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let fields = own.map(|(other, right)| if other == name { (other, value) } else { (other, right) });
        assert_eq!(stage.post("/token", &fields).await.error(), "invalid_grant", "{name} {value}");
        if name != "code" {
            assert_eq!(stage.redeem(&code).await.error(), "invalid_grant", "it was tried: it is over");
        }
    }
    // Another client's.
    let code = browser.log_in(&stage, &request(&[])).await.told("code");
    let fields = [
        ("client_id", "public"),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(stage.post_as("/token", None, &fields).await.error(), "invalid_grant");
    // Late.
    stage.clock.advance(3_600_000);
    let code = browser.log_in(&stage, &request(&[])).await.told("code");
    stage.clock.advance(60_001);
    assert_eq!(stage.redeem(&code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn tokens_end_and_are_taken_back() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    let token = async |browser: &mut Browser| {
        let code = browser.log_in(&stage, &request(&[])).await.told("code");
        stage.redeem(&code).await.json()["access_token"].as_str().unwrap().to_owned()
    };
    let (one, two) = (token(&mut browser).await, token(&mut browser).await);
    // Another client takes nothing back.
    let other = stage.post_as("/revoke", None, &[("client_id", "public"), ("token", &one)]).await;
    assert_eq!((other.status.as_u16(), stage.userinfo(&one).await.status.as_u16()), (200, 200));
    assert_eq!(stage.post("/revoke", &[("token", &one)]).await.status.as_u16(), 200);
    assert_eq!(stage.post("/revoke", &[("token", "nothing")]).await.status.as_u16(), 200);
    assert_eq!(stage.userinfo(&one).await.status.as_u16(), 401);
    assert_eq!(stage.userinfo(&two).await.status.as_u16(), 200);
    stage.clock.advance(600_000);
    assert_eq!(stage.userinfo(&two).await.status.as_u16(), 401);
}
