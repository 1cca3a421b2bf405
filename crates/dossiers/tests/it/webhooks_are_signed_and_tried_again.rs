//! Webhooks: signed under the published key, tried again with back-off, dead in the end, seen and sent again; never into somebody's network.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use sceau_crypto::VerifyingKey;
use sceau_crypto::http_signature::{SignatureRefusal, SignedRequest, verify};
use sceau_dossiers::{Dossiers, Reach, WEBHOOKS};
use sceau_store::Message;
use serde_json::{Value, json};

use crate::support::{Office, World, told};

type Inbox = Arc<Mutex<(StatusCode, Vec<(HeaderMap, Bytes)>)>>;

/// A receiver on this machine, and what it got.
async fn receiver() -> (String, Inbox) {
    let inbox: Inbox = Arc::new(Mutex::new((StatusCode::NO_CONTENT, Vec::new())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sceau", listener.local_addr().unwrap());
    let kept = Arc::clone(&inbox);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let mut inbox = kept.lock().unwrap();
        inbox.1.push((headers, body));
        let elsewhere = [("location", "http://127.0.0.1:1/")];
        (inbox.0, elsewhere)
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/sceau", post(take))).await });
    (url, inbox)
}

async fn deliver(world: &World, dossiers: &Dossiers) -> usize {
    let dossiers = dossiers.clone();
    let handler = move |message: Message| {
        let dossiers = dossiers.clone();
        async move { dossiers.deliver_webhook(&message).await }
    };
    let letters = |_: Message| async { Ok(()) };
    world
        .outbox
        .dispatcher()
        .on(WEBHOOKS, handler)
        .on(sceau_dossiers::LETTERS, letters)
        .deliver_due()
        .await
        .unwrap()
}

async fn told_at(dossiers: &Dossiers, office: &Office, url: &str) {
    let admin = office.chief.account.parse().unwrap();
    dossiers.set_webhook(admin, office.id, Some(&url.parse().unwrap())).await.unwrap();
}

#[tokio::test]
async fn each_entry_is_told_once_under_the_published_key() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let (url, inbox) = receiver().await;
    let dossiers =
        world.dossiers.clone().with_reach(Reach::default().allowing(vec!["127.0.0.1".parse().unwrap()]));
    told_at(&dossiers, &office, &url).await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    deliver(&world, &dossiers).await;
    deliver(&world, &dossiers).await;

    let (headers, body) = {
        let inbox = inbox.lock().unwrap();
        assert_eq!(inbox.1.len(), 1);
        inbox.1[0].clone()
    };
    let said: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&said["kind"], &said["position"]), (&json!("submitted"), &json!(1)));
    assert_eq!(said["dossier"], deposited.dossier.to_string());
    let published: Value =
        world.nobody().get("/.well-known/http-message-signatures-directory").await.unwrap();
    let key: sceau_element_api::Base64Url =
        serde_json::from_value(published["keys"][0]["x"].clone()).unwrap();
    let keys = [VerifyingKey::from_bytes(&key).unwrap()];
    let header = |name: &str| headers[name].to_str().unwrap();
    let request = SignedRequest {
        method: "POST",
        target_uri: &url,
        content_digest: header("content-digest"),
        content_type: header("content-type"),
    };
    let now = world.clock_now() / 1000;
    let check = |body: &[u8], now| {
        verify(&keys, &request, body, (header("signature-input"), header("signature")), now)
    };
    check(&body, now).unwrap();
    assert_eq!(check(b"{}", now), Err(SignatureRefusal::Digest));
    assert_eq!(check(&body, now + 601), Err(SignatureRefusal::Time));
}

#[tokio::test]
async fn a_receiver_that_is_away_or_points_elsewhere_is_tried_again_then_seen_and_replayed() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (office, other) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let (url, inbox) = receiver().await;
    inbox.lock().unwrap().0 = StatusCode::FOUND;
    let dossiers =
        world.dossiers.clone().with_reach(Reach::default().allowing(vec!["127.0.0.1".parse().unwrap()]));
    told_at(&dossiers, &office, &url).await;
    office.deposit(&citizen, world.clock_now()).await;

    let mut tries = 0;
    let dead = loop {
        deliver(&world, &dossiers).await;
        let seen = dossiers.webhook(office.id).await.unwrap();
        if let [dead] = seen.dead_letters.as_slice() {
            break dead.clone();
        }
        tries += 1;
        assert!(tries < 50);
        world.clock.advance(300_000);
    };
    assert!(dead.reason.unwrap().contains("302"), "a redirect is not followed");
    assert_eq!(inbox.lock().unwrap().1.len(), 20);
    assert!(dossiers.webhook(other.id).await.unwrap().dead_letters.is_empty(), "another organisation's");
    let foreign = dossiers.replay_webhook(other.chief.account.parse().unwrap(), other.id, &dead.id).await;
    assert_eq!(foreign.unwrap_err().code(), "not_found");

    inbox.lock().unwrap().0 = StatusCode::OK;
    dossiers.replay_webhook(office.chief.account.parse().unwrap(), office.id, &dead.id).await.unwrap();
    deliver(&world, &dossiers).await;
    assert_eq!(inbox.lock().unwrap().1.len(), 21);
    assert!(dossiers.webhook(office.id).await.unwrap().dead_letters.is_empty());
}

#[tokio::test]
async fn addresses_inside_a_network_are_refused() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    for url in [
        "http://rh.example.org/sceau",
        "https://127.0.0.1/sceau",
        "https://169.254.169.254/latest",
        "https://[::1]/sceau",
        "https://[::ffff:10.0.0.1]/sceau",
        "https://0x7f.1/sceau",
        "https://user:secret@rh.example.org/",
        "ftp://rh.example.org/",
    ] {
        let answer: Result<Value, _> =
            office.chief.server().put("/v1/organisation/webhook", &json!({"url": url})).await;
        assert_eq!(told(&answer), (400, "malformed"), "{url}");
    }
    // A name that leads inside is judged when it is called.
    let (citizen, dossiers) = (world.citizen("citizen@example.org").await, world.dossiers.clone());
    told_at(&dossiers, &office, "https://localhost/sceau").await;
    office.deposit(&citizen, world.clock_now()).await;
    for _ in 0..25 {
        deliver(&world, &dossiers).await;
        world.clock.advance(300_000);
    }
    let seen = dossiers.webhook(office.id).await.unwrap();
    assert!(seen.dead_letters[0].reason.as_ref().unwrap().contains("somebody's network"));
}
