//! An organisation's root is known to somebody: its key manager makes another, the platform's administrator enrols it, and everybody goes on.
//! What was deposited before stays readable.

use std::time::Duration;

use sceau_client::{ClientError, Document, Person, ReadingPage, Scheme, Server};
use sceau_crypto::Fingerprint;
use sceau_element_api::DossierId;
use sceau_tests::{House, Premises, Stage, now_ms, publish_scheme};
use serde_json::{Value, json};
use tokio::time::interval;

const NAME: &str = "Métropole d’essai";

async fn deposit(citizen: &Person, scheme: &Scheme) -> Result<DossierId, ClientError> {
    let document = Document {
        name: "pièce.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: b"what was sent".to_vec(),
    };
    let deposited = citizen.deposit(scheme, &Stage::answers(), &[document], now_ms(), &mut |_| {}).await;
    deposited.map(|deposited| deposited.dossier)
}

/// Waits until the root is in force and the keys that it states are acknowledged.
async fn until_in_force(administration: &Server, root: &Fingerprint) -> Value {
    let mut turns = interval(Duration::from_millis(100));
    for _ in 0..600 {
        turns.tick().await;
        let Ok(shown) = administration.get::<Value>("/v1/keys").await else { continue };
        let current = shown["keys"].as_array().unwrap().iter().filter(|key| key["state"] == "current");
        if shown["root_fingerprint"] == root.to_string() && current.count() == 2 {
            return shown;
        }
    }
    panic!("the new root did not come into force");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_root_takes_over_and_old_dossiers_stay_readable() {
    let house = House::start("new-root");
    let administrator = house.administrator().await;
    let (mut premises, staff) = Premises::found(&house, &administrator, NAME).await;
    premises.start_key_manager(&house);
    let scheme = publish_scheme(&staff.chief).await;
    let citizen = house.citizen("cleo@example.org").await;
    let before = deposit(&citizen, &scheme).await.unwrap();

    let made: Value = premises.administration().post("/v1/root", &json!({})).await.unwrap();
    let root: Fingerprint = made["next_root_fingerprint"].as_str().unwrap().parse().unwrap();
    administrator.replace_root(premises.organisation, NAME, &root).await.unwrap();
    let refused = deposit(&citizen, &scheme).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused { code, .. } if code == "no_recipient_key"), "{refused}");

    // It looks at the log each minute, and when it starts.
    premises.key_manager.take().unwrap().kill();
    premises.start_key_manager(&house);
    let keys = until_in_force(&premises.administration(), &root).await;
    assert_eq!(keys["next_root_fingerprint"], Value::Null);
    let status: Value = premises.administration().get("/v1/status").await.unwrap();
    assert_eq!(status["alarms"], json!([]));
    assert!(status["records_in_log"].as_u64().unwrap() > 0, "what the platform took is in its log: {status}");

    let after = deposit(&citizen, &scheme).await.unwrap();
    for dossier in [before, after] {
        let link = staff.officer.ticket(dossier).await.unwrap();
        let trust = premises.officer_trust();
        let page = ReadingPage::open(&link, &house.origin, &trust, citizen.log_key()).await.unwrap();
        assert_eq!(page.read().await.unwrap().files[0].content, b"what was sent");
        assert_eq!(page.decide("accepted", "Complet.").await.unwrap()["delivered"], true);
    }
}
