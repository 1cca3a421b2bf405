#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use sceau_store::{Clock, Database, RetryPolicy};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::MIGRATIONS;

const NOW: u64 = 1_800_000_000_000;

#[derive(Debug)]
struct Told(AtomicU64);

impl Clock for Told {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Somebody who is told, and what they were told: token and body. Answers by these statuses, the last one from then on.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    async fn answering(statuses: &[u16]) -> Self {
        let heard = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let (kept, statuses) = (Arc::clone(&heard), statuses.to_vec());
        let hear = move |headers: HeaderMap, Json(body): Json<Value>| {
            let token = headers.get("authorization").map(|token| token.to_str().unwrap().to_owned());
            let mut kept = kept.lock().unwrap();
            let status = statuses.get(kept.len()).or(statuses.last()).unwrap();
            kept.push((token.unwrap_or_default(), body));
            std::future::ready(StatusCode::from_u16(*status).unwrap())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        let router = Router::new().route("/told", post(hear));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<(String, Value)> {
        self.heard.lock().unwrap().clone()
    }
}

/// An outbox with one word in it, of a request that was kept.
struct Left {
    outbox: Outbox,
    database: Database,
    clock: Arc<Told>,
    request: KeyringRequestId,
    keyring: KeyringId,
    _folder: tempfile::TempDir,
}

impl Left {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
        let database = Database::open(&folder.path().join("records.db"), &migrations).await.unwrap();
        let clock = Arc::new(Told(AtomicU64::new(NOW)));
        let outbox = Outbox::new(database.clone(), Arc::<Told>::clone(&clock), RetryPolicy::default());
        let (request, keyring) = (KeyringRequestId::random(), KeyringId::random());
        let mut all = database.begin().await.unwrap();
        Notices::by(outbox.clone()).leave(&mut all, request, keyring).await.unwrap();
        all.commit().await.unwrap();
        Self { outbox, database, clock, request, keyring, _folder: folder }
    }

    fn teller(&self, to: &Receiver, token: Option<&str>) -> Teller {
        Teller::new(to.url.clone(), token.map(str::to_owned), None, Arc::<Told>::clone(&self.clock)).unwrap()
    }

    /// Delivers what is due, once; how many were taken.
    async fn deliver(&self, teller: &Teller) -> usize {
        let teller = teller.clone();
        let tell = move |message: Message| {
            let teller = teller.clone();
            async move { teller.tell(&message).await }
        };
        self.outbox.dispatcher().on(REQUESTED, tell).deliver_due().await.unwrap()
    }
}

#[tokio::test]
async fn who_is_named_is_told_two_ids_by_the_token_until_they_answer() {
    let (left, receiver) = (Left::new().await, Receiver::answering(&[503, 500, 200]).await);
    let teller = left.teller(&receiver, Some("word"));
    // Away, then there and not willing: it stays, and comes again later.
    for _ in 0..2 {
        assert_eq!(left.deliver(&teller).await, 0);
        assert_eq!(left.deliver(&teller).await, 0, "not before its time");
        left.clock.0.fetch_add(120_000, Ordering::SeqCst);
    }
    assert_eq!(left.deliver(&teller).await, 1);
    assert_eq!(left.deliver(&teller).await, 0, "once");
    let heard = receiver.heard();
    assert_eq!(heard.len(), 3);
    for (token, body) in &heard {
        assert_eq!(token, "Bearer word");
        let id = body["id"].as_str().unwrap();
        assert!(!id.is_empty());
        let told =
            json!({"event": "keyring.requested", "id": id, "request": left.request, "keyring": left.keyring});
        assert_eq!(*body, told, "and nothing of what is asked, or by whom");
        assert_eq!(heard.first().unwrap().1["id"], id, "by which who is told twice knows it again");
    }
}

#[tokio::test]
async fn what_comes_too_late_is_told_to_nobody() {
    let (left, receiver) = (Left::new().await, Receiver::answering(&[503, 200]).await);
    let teller = left.teller(&receiver, None);
    assert_eq!(left.deliver(&teller).await, 0);
    left.clock.0.store(NOW + LATE + 1, Ordering::SeqCst);
    assert_eq!(left.deliver(&teller).await, 1, "it is forgotten");
    let heard = receiver.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard.first().unwrap().0, "", "no token is made up");
}

/// A word is left where somebody is told, with the request, and else not: nobody would ever take it away.
#[tokio::test]
async fn where_nobody_is_named_no_word_is_left() {
    let left = Left::new().await;
    let receiver = Receiver::answering(&[200]).await;
    let teller = left.teller(&receiver, None);
    assert_eq!(left.deliver(&teller).await, 1);
    let mut all = left.database.begin().await.unwrap();
    Notices::default().leave(&mut all, left.request, left.keyring).await.unwrap();
    all.commit().await.unwrap();
    assert_eq!(left.deliver(&teller).await, 0);
    assert_eq!(receiver.heard().len(), 1);
}
