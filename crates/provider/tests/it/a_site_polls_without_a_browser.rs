//! CIBA in poll mode (CIBA Core 1.0): asked, waited for at the pace that is said, answered once.

use crate::stage::{Answered, Does, Stage, claims};

const CIBA: &str = "urn:openid:params:grant-type:ciba";

async fn begin(stage: &Stage, more: &[(&str, &str)]) -> Answered {
    let own = [("scope", "openid profile"), ("login_hint", "m.curie"), ("binding_message", "Counter 4")];
    let kept = own.into_iter().filter(|(name, _)| !more.iter().any(|(same, _)| same == name));
    let fields: Vec<_> = kept.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
    stage.post("/bc-authorize", &fields).await
}

async fn poll(stage: &Stage, id: &str) -> Answered {
    stage.post("/token", &[("grant_type", CIBA), ("auth_req_id", id)]).await
}

/// The holder answers, and that has arrived.
async fn answered(stage: &Stage, does: Does) {
    stage.holders.does.send_replace(does);
    stage.settled().await;
}

#[tokio::test]
async fn a_site_waits_at_its_pace_and_is_answered_once() {
    let stage = Stage::raise().await;
    let began = begin(&stage, &[("requested_expiry", "60")]).await.json();
    assert_eq!((began["expires_in"].as_u64(), began["interval"].as_u64()), (Some(60), Some(5)));
    let id = began["auth_req_id"].as_str().unwrap().to_owned();
    assert_eq!(poll(&stage, &id).await.error(), "authorization_pending");
    stage.clock.advance(1_000);
    assert_eq!(poll(&stage, &id).await.error(), "slow_down");
    stage.clock.advance(6_000);
    assert_eq!(poll(&stage, &id).await.error(), "slow_down", "ten seconds by now");
    stage.clock.advance(16_000);
    assert_eq!(poll(&stage, &id).await.error(), "authorization_pending");
    let said = stage.asked(1).await[0].description.clone();
    assert!(said.contains("Site library") && said.contains("The site says: Counter 4"), "{said}");
    // Another client's.
    let fields = [
        ("client_id", "keys"),
        ("grant_type", CIBA),
        ("auth_req_id", id.as_str()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &stage.assertion(&serde_json::json!({}))),
    ];
    assert_eq!(stage.post_as("/token", None, &fields).await.error(), "invalid_grant");
    answered(&stage, Does::Yes).await;
    stage.clock.advance(16_000);
    let answer = poll(&stage, &id).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    assert!(claims(&answer)["nonce"].is_null() && claims(&answer)["sub"].as_str().is_some());
    stage.clock.advance(16_000);
    assert_eq!(poll(&stage, &id).await.error(), "invalid_grant", "once");
}

#[tokio::test]
async fn no_and_silence_are_told_apart_and_nobody_is_silent() {
    let stage = Stage::raise().await;
    let id = begin(&stage, &[]).await.json()["auth_req_id"].as_str().unwrap().to_owned();
    answered(&stage, Does::No).await;
    assert_eq!(poll(&stage, &id).await.error(), "access_denied");
    assert_eq!(poll(&stage, &id).await.error(), "invalid_grant");
    stage.holders.does.send_replace(Does::Wait);
    let known = begin(&stage, &[]).await;
    let unknown = begin(&stage, &[("login_hint", "nobody.known")]).await;
    assert_eq!((known.status, unknown.status), (unknown.status, known.status));
    let ids = [known, unknown].map(|began| began.json()["auth_req_id"].as_str().unwrap().to_owned());
    for id in &ids {
        assert_eq!(poll(&stage, id).await.error(), "authorization_pending");
    }
    stage.clock.advance(180_000);
    for id in &ids {
        assert_eq!(poll(&stage, id).await.error(), "expired_token");
    }
}

#[tokio::test]
async fn what_a_site_says_is_short_and_legible() {
    let stage = Stage::raise().await;
    let long = "x".repeat(101);
    for message in ["pay\u{202e}all", "two\nlines", "pаypal", long.as_str()] {
        assert_eq!(
            begin(&stage, &[("binding_message", message)]).await.error(),
            "invalid_binding_message",
            "{message}"
        );
    }
    for (name, value, error) in [
        ("scope", "profile", "invalid_scope"),
        ("login_hint", "", "invalid_request"),
        ("id_token_hint", "x", "invalid_request"),
        ("requested_expiry", "soon", "invalid_request"),
        ("request", "x", "invalid_request"),
    ] {
        assert_eq!(begin(&stage, &[(name, value)]).await.error(), error, "{name}");
    }
    assert!(stage.holders.asked.lock().unwrap().is_empty());
    begin(&stage, &[]).await.json();
    assert_eq!(begin(&stage, &[]).await.error(), "temporarily_unavailable", "one at a time for one holder");
}
