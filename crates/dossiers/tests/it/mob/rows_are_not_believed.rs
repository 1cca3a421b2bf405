//! A database that lies between two requests: nothing is signed, sealed or filled for it.

use reqwest::Method;
use sceau_store::Statement;
use serde_json::{Value, json};

use super::{Mob, lea, one_file, pdf};

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

impl Mob {
    async fn lie(&self, sql: &'static str) {
        self.world.database.execute(Statement::new("LIE", sql), &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_altered_after_the_scan_is_not_signed() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    for lie in [
        "UPDATE mob_attachments SET hash = substr(hash, 2) || substr(hash, 1, 1)",
        "UPDATE mob_requests SET manifest = NULL WHERE status = 'BROUILLON'",
        "UPDATE mob_requests SET sealed = NULL WHERE status = 'BROUILLON'",
    ] {
        let id = maas.subscribe(mob.incentives[0]).await;
        assert_eq!(maas.attach(&id, one_file("rib.pdf", pdf(2000))).await.0, 201);
        mob.lie(lie).await;
        assert_eq!(code(&maas.verify(&id).await), (500, "mob_tampered"), "{lie}");
        mob.lie("UPDATE mob_requests SET status = 'REJETEE' WHERE status = 'BROUILLON'").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_does_not_live_on_in_the_database() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    mob.lie("UPDATE mob_keys SET document = replace(document, '2099-12-17', '2199-12-17')").await;
    assert_eq!(code(&maas.attach(&id, one_file("rib.pdf", pdf(2000))).await), (500, "mob_tampered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_bounded_and_their_citizens_can_be_named() {
    let mob = Mob::start().await;
    let maas = mob.maas().await;
    for _ in 0..20 {
        maas.subscribe(mob.incentives[0]).await;
    }
    let begin = |citizen: Value| {
        let body = json!({"incentiveId": mob.incentives[0], "consent": true, "citizen": citizen, "km": 60});
        let maas = maas.clone();
        async move { maas.send(Method::POST, "/v1/subscriptions", &body).await }
    };
    assert_eq!(code(&begin(lea()).await), (429, "mob_drafts_too_many"));
    let mut other = lea();
    other["id"] = "another".into();
    assert_eq!(begin(other.clone()).await.0, 201, "each citizen has their own");
    other["id"] = "a\nb".into();
    assert_eq!(code(&begin(other).await), (422, "mob_body_invalid"), "no reply could name it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_hides_no_other() {
    let mob = Mob::start().await;
    let maas = mob.maas().await;
    for _ in 0..2 {
        let id = maas.subscribe(mob.incentives[0]).await;
        assert_eq!(maas.verify(&id).await.0, 200);
    }
    mob.lie("UPDATE mob_requests SET person = '?' WHERE id = (SELECT min(id) FROM mob_requests)").await;
    let (status, listed) = mob.hr(0).await.get("/v1/subscriptions").await;
    assert_eq!((status, listed.as_array().map(Vec::len)), (200, Some(1)));
}
