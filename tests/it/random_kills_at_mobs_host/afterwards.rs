//! What must hold once everybody has done their work, whatever was killed on the way.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use sceau_crypto::VerifyingKey;
use sceau_crypto::mob::{MobPrivateKey, VerifiedManifest};
use sceau_element_api::documents::{Document as _, SchemeDocument};
use sceau_store::params;
use sceau_tests::{Log, MobStage, Records};
use sceau_trace::Outcome;
use serde_json::{Value, json};
use tokio::time::interval;

use super::work::{Done, Subscription};

pub(super) async fn nothing_is_lost(stage: &mut MobStage, done: &Done) {
    let token = stage.token(&stage.client).await;
    for subscription in &done.subscriptions {
        settled(stage, &token, &subscription.id).await;
    }
    let key = private_key(stage).await;
    let signer = SchemeDocument::parse(&stage.incentive.payload).unwrap().document.trusted_intake().unwrap();
    let records = Records::open(&stage.house).await;
    let log = Log::read(&stage.house).await;
    for subscription in &done.subscriptions {
        is_whole(stage, &token, (&key, &signer), subscription).await;
        is_recorded(&records, &log, &subscription.id).await;
    }
    // Nothing is on the bus that was not sent, and what came again is the same message.
    let ours: BTreeSet<&str> = done.subscriptions.iter().map(|it| it.id.as_str()).collect();
    for (id, messages) in &done.taken {
        assert!(ours.contains(id.as_str()), "{id} was never sent");
        assert!(messages.iter().all(|message| *message == messages[0]), "{id}: two messages");
    }
    let count = async |sql: &'static str| records.value::<u64>(sql, &[]).await;
    let sent = "SELECT count(*) AS v FROM mob_requests WHERE status <> 'BROUILLON'";
    assert_eq!(count(sent).await, done.subscriptions.len() as u64);
    let drafts = count("SELECT count(*) AS v FROM mob_requests WHERE status = 'BROUILLON'").await;
    assert!(drafts <= done.unanswered, "{drafts} drafts, {} beginnings were not answered", done.unanswered);
    let half = "SELECT count(*) AS v FROM mob_requests r WHERE (r.sealed IS NULL) <> (r.manifest IS NULL) \
        OR (SELECT count(*) FROM mob_attachments a WHERE a.subscription = r.id) <> CASE WHEN r.sealed IS NULL THEN 0 ELSE 1 END";
    assert_eq!(count(half).await, 0, "files, key and manifest of a subscription come together");
    assert_eq!(count("SELECT count(*) AS v FROM outbox WHERE dead = 1").await, 0, "no message was given up");
    letters(stage, done).await;
}

/// Waits until the company's decision has arrived.
async fn settled(stage: &MobStage, token: &str, id: &str) {
    let mut turns = interval(Duration::from_millis(50));
    for _ in 0..2400 {
        turns.tick().await;
        let view = view(stage, token, id).await;
        if view["status"] == "VALIDEE" && view["decisionRecord"].is_u64() {
            let outcome = json!({"mode": "unique", "amount": 50, "comments": "ok"});
            assert_eq!(view["subscriptionValidation"], outcome);
            return;
        }
    }
    panic!("{id} was not decided within two minutes");
}

async fn view(stage: &MobStage, token: &str, id: &str) -> Value {
    let path = format!("/v1/subscriptions/{id}");
    stage.request(token, Method::GET, &path).send().await.unwrap().json().await.unwrap()
}

/// The organisation's key, out of its key manager as MOB's page has it.
async fn private_key(stage: &MobStage) -> MobPrivateKey {
    let anchors = reqwest::Certificate::from_pem_bundle(stage.premises.authority()).unwrap();
    let identity =
        reqwest::Identity::from_pem(&stage.premises.officer_trust().identity_pem.unwrap()).unwrap();
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let http = reqwest::Client::builder().no_proxy().tls_certs_only(anchors).identity(identity);
    let http = http.resolve("cles.localhost", here).build().unwrap();
    let address = stage.premises.address();
    let login: Value = http
        .post(format!("{address}/v1/auth/cert/login"))
        .json(&json!({}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token = login["auth"]["client_token"].as_str().unwrap();
    let asked = http.get(format!("{address}/v1/transit/export/encryption-key/CLIENT/1"));
    let key: Value = asked.header("x-vault-token", token).send().await.unwrap().json().await.unwrap();
    MobPrivateKey::from_pem(key["data"]["keys"]["1"].as_str().unwrap()).unwrap()
}

/// What comes out is what went in, and the host signed for it.
async fn is_whole(
    stage: &MobStage,
    token: &str,
    (key, signer): (&MobPrivateKey, &VerifyingKey),
    Subscription { id, content, .. }: &Subscription,
) {
    let view = view(stage, token, id).await;
    let manifest = VerifiedManifest::verify(view["manifest"].as_str().unwrap(), signer, id).unwrap();
    let path = format!("/v1/subscriptions/{id}/attachments/rib.pdf");
    let asked = stage.request(token, Method::GET, &path).header("accept", "application/octet-stream");
    let sealed = asked.send().await.unwrap().bytes().await.unwrap();
    let mut plain = Vec::new();
    key.unlock(&manifest).unwrap().open("rib.pdf", Cursor::new(&sealed), &mut plain).unwrap();
    assert!(plain == *content, "{id}: whole");
}

/// Sent once and decided once; both are in the log, or the next process says so.
async fn is_recorded(records: &Records, log: &Log, id: &str) {
    let decided = "SELECT count(*) AS v FROM mob_replies WHERE subscription = $1 AND reply IS NOT NULL";
    assert_eq!(records.value::<u64>(decided, params![id]).await, 1, "{id} was decided once");
    let refused = "SELECT count(*) AS v FROM mob_replies WHERE subscription = $1 AND error IS NOT NULL";
    assert_eq!(records.value::<u64>(refused, params![id]).await, 0, "{id}: no answer was refused");
    let left = "SELECT count(*) AS v FROM mob_outcomes WHERE draft LIKE $1";
    let left: u64 = records.value(left, params![format!("%{id}%")]).await;
    let said = |action: &str| log.times(action, Outcome::Granted, id) as u64;
    for action in ["intake.scan", "deposit.complete"] {
        assert!(said(action) + left >= 1, "{id}: {action} is on record");
    }
    assert!(said("decision") >= 1, "{id}: its decision is on record");
}

/// Letters to each citizen, each sent once.
async fn letters(stage: &mut MobStage, done: &Done) {
    let letters = stage.house.letters().await;
    for Subscription { id, citizen, .. } in &done.subscriptions {
        let to = format!("lea-{citizen}@example.org");
        for words in ["has been sent.", "has granted your request"] {
            let sent = letters.iter().map(|letter| letter.replace("=\r\n", ""));
            let sent = sent.filter(|letter| letter.contains(&to) && letter.contains(words)).count();
            assert_eq!(sent, 1, "{id}: {words}");
        }
    }
}
