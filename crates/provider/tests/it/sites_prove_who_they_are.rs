//! A site proves who it is by the way that it is registered with, and by no other; a statement counts once.

use serde_json::json;

use crate::stage::{Browser, ISSUER, REDIRECT, SECRET, Stage, VERIFIER, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[tokio::test]
async fn a_secret_goes_into_the_header_and_is_the_right_one() {
    let stage = Stage::raise().await;
    let revoke = async |header: Option<String>, more: &[(&str, &str)]| {
        let fields = [&[("token", "x")], more].concat();
        stage.post_as("/revoke", header.as_deref(), &fields).await
    };
    let basic = |id: &str, secret: &str| Some(format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
    let right: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    assert_eq!(revoke(basic("library", &right), &[]).await.status.as_u16(), 200);
    assert_eq!(revoke(basic("library", &right), &[("client_id", "library")]).await.status.as_u16(), 200);
    for (header, more) in [
        (basic("library", "wrong"), vec![]),
        (basic("library", ""), vec![]),
        (basic("public", ""), vec![]),
        (basic("keys", ""), vec![]),
        (basic("nobody", &right), vec![]),
        (basic("library", &right), vec![("client_id", "public")]),
        (basic("library", &right), vec![("client_assertion", "x"), ("client_assertion_type", JWT)]),
        (Some("Bearer x".to_owned()), vec![]),
        (None, vec![("client_id", "library"), ("client_secret", SECRET)]),
        (None, vec![("client_id", "library")]),
        (None, vec![("client_id", "keys")]),
        (None, vec![]),
    ] {
        let answer = revoke(header.clone(), &more).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (401, "invalid_client"),
            "{header:?} {more:?}"
        );
        assert!(answer.headers["www-authenticate"].starts_with("Basic"));
        assert!(!answer.text.contains("wrong") && !answer.text.contains(SECRET));
    }
}

#[tokio::test]
async fn a_statement_is_of_now_for_us_and_taken_once() {
    let stage = Stage::raise().await;
    stage.clock.advance(10_000);
    let by = async |statement: &str| {
        let fields = [("token", "x"), ("client_assertion_type", JWT), ("client_assertion", statement)];
        stage.post_as("/revoke", None, &fields).await
    };
    let once = stage.assertion(&json!({}));
    assert_eq!(by(&once).await.status.as_u16(), 200);
    assert_eq!(by(&once).await.error(), "invalid_client", "used before");
    for aud in [json!(format!("{ISSUER}/token")), json!([ISSUER]), json!(format!("{ISSUER}/revoke"))] {
        assert_eq!(by(&stage.assertion(&json!({"aud": aud}))).await.status.as_u16(), 200, "{aud}");
    }
    let now = crate::stage::NOW / 1000 + 10;
    assert_eq!(by(&stage.assertion(&json!({"exp": now + 3_600}))).await.status.as_u16(), 200, "as Authlib's");
    for wrong in [
        json!({"aud": "https://other.example.org"}),
        json!({"aud": [ISSUER, "https://other.example.org"]}),
        json!({"aud": []}),
        json!({"aud": format!("{ISSUER}.evil.example")}),
        json!({"iss": "library"}),
        json!({"sub": "library"}),
        json!({"exp": now}),
        json!({"exp": now + 3_661}),
        json!({"nbf": now + 3_600}),
        // Of before this process began, which does not remember what it took then.
        json!({"iat": now - 100}),
        // Of a clock that is ahead: after a start it could be one of before.
        json!({"iat": now + 11}),
        json!({"iat": now - 1}),
        json!({"iat": null}),
        json!({"jti": ""}),
    ] {
        let answer = by(&stage.assertion(&wrong)).await;
        assert_eq!(answer.error(), "invalid_client", "{wrong}");
    }
    let mut altered = stage.assertion(&json!({}));
    altered.pop();
    assert_eq!(by(&altered).await.error(), "invalid_client");
}

#[tokio::test]
async fn a_public_client_has_its_verifier_alone() {
    let stage = Stage::raise().await;
    let back = Browser::default().log_in(&stage, &request(&[("client_id", "public")])).await;
    let code = back.told("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(stage.post_as("/token", None, &fields).await.status.as_u16(), 200);
    let fields = [("client_id", "public"), ("scope", "openid"), ("login_hint", "m.curie")];
    assert_eq!(stage.post_as("/bc-authorize", None, &fields).await.error(), "unauthorized_client");
    for (kind, error) in
        [("password", "unsupported_grant_type"), ("urn:openid:params:grant-type:ciba", "unauthorized_client")]
    {
        let fields = [("client_id", "public"), ("grant_type", kind)];
        assert_eq!(stage.post_as("/token", None, &fields).await.error(), error);
    }
}

#[tokio::test]
async fn who_fails_often_is_not_heard_for_a_while() {
    let stage = Stage::raise().await;
    let mut last = String::new();
    for _ in 0..61 {
        last = stage.post_as("/revoke", Some("Basic eDp5"), &[("token", "x")]).await.error();
    }
    assert_eq!(last, "temporarily_unavailable");
    assert_eq!(stage.post("/revoke", &[("token", "x")]).await.status.as_u16(), 200, "a right proof is");
}
