//! A database that lies between two requests: nothing is signed, sealed or filled for it.

use reqwest::Method;
use sceau_crypto::mob::{MobPrivateKey, MobPublicKey};
use sceau_element_api::wire::RecordDraft;
use sceau_store::{Statement, params};
use sceau_trace::{Action, Actor, ActorKind};
use serde_json::{Value, json};

use super::{Mob, key_form, lea, one_file, pdf};

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

impl Mob {
    /// Puts a publication where keys were kept before the element knew their order, with its record in the log.
    async fn before(&self, publication: String, serial: u64) {
        let funder = self.offices[0].id;
        let form: Value = serde_json::from_str(&publication).unwrap();
        let key = MobPublicKey::from_pem(form["publicKey"].as_str().unwrap()).unwrap().id();
        let draft = RecordDraft::new(Actor::new(ActorKind::Client, "vault"), Action::KEY_PUBLISH)
            .organisation(funder)
            .subject("key", key)
            .detail("profile", "mob-2022")
            .detail("document", sceau_trace::sha256(publication.as_bytes()).to_string());
        let index = self.world.dossiers.element().append(draft.granted()).await.unwrap();
        let insert = "INSERT INTO mob_keys (funder, serial, document, log_index, published) VALUES ($1, $2, $3, $4, 1)";
        let values = params![funder.to_string(), serial, publication, index];
        self.world.database.execute(Statement::new("BEFORE", insert), values).await.unwrap();
    }

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
    mob.lie(
        "UPDATE attested_documents SET payload = CAST(replace(CAST(payload AS TEXT), '2099-12-17', '2199-12-17') AS BLOB) \
         WHERE kind = 'funder-key'",
    )
    .await;
    assert_eq!(code(&maas.attach(&id, one_file("rib.pdf", pdf(2000))).await), (500, "mob_tampered"));
}

/// The older key leaked, has not expired, and was really published: the database offers nothing but it.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_key_does_not_come_back() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let old = "SELECT payload FROM attested_documents WHERE kind = 'funder-key'";
    let old = mob.world.database.fetch_one(Statement::new("OLD", old), &[]).await.unwrap();
    let old: Vec<u8> = old.get("payload").unwrap();
    mob.publish_key(0, 2).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    let swap = Statement::new("SWAP", "UPDATE attested_documents SET payload = $1 WHERE kind = 'funder-key'");
    mob.world.database.execute(swap, params![old.clone()]).await.unwrap();
    assert_eq!(code(&maas.attach(&id, one_file("rib.pdf", pdf(2000))).await), (500, "mob_tampered"));
    // The newest is gone, and the older one stands where keys stood before the element kept their order.
    mob.lie("DELETE FROM attested_documents WHERE kind = 'funder-key'").await;
    let publication =
        serde_json::from_slice::<Value>(&old).unwrap()["publication"].as_str().unwrap().to_owned();
    mob.before(publication, 0).await;
    assert_eq!(code(&maas.attach(&id, one_file("rib.pdf", pdf(2000))).await), (500, "mob_tampered"));
    // The funder's next publication is taken, and sealed to.
    mob.publish_key(0, 3).await;
    assert_eq!(maas.attach(&id, one_file("rib.pdf", pdf(2000))).await.0, 201);
    assert_eq!(maas.verify(&id).await.0, 200);
    let (_, view) = mob.hr(0).await.get(&format!("/v1/subscriptions/{id}")).await;
    assert_eq!(view["encryptionKeyVersion"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_before_is_taken_as_the_first_and_no_other_after_it() {
    let mob = Mob::start().await;
    let maas = mob.maas().await;
    let forms = [1, 2].map(|version| key_form(&MobPrivateKey::generate().unwrap(), version));
    let forms: Vec<String> = forms.iter().map(Value::to_string).collect();
    for (form, version) in forms.iter().zip([1, 2]) {
        mob.before(form.clone(), version).await;
    }
    let attach = async || {
        let id = maas.subscribe(mob.incentives[0]).await;
        assert_eq!(maas.attach(&id, one_file("rib.pdf", pdf(2000))).await.0, 201);
        assert_eq!(maas.verify(&id).await.0, 200);
        mob.hr(0).await.get(&format!("/v1/subscriptions/{id}")).await.1["encryptionKeyVersion"].clone()
    };
    assert_eq!(attach().await, 2, "the newest of them");
    mob.lie("DELETE FROM mob_keys WHERE serial = 2").await;
    assert_eq!(attach().await, 2, "the element keeps it from then on");
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
    other["email"] = "another@example.org".into();
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
