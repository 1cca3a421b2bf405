use sceau_client::Person;
use sceau_crypto::FileId;
use serde_json::{Value, json};

use crate::support::{Draft, Office, World, told};

const DAY: u64 = 86_400_000;

/// Begins a dossier and sends one sealed file of one part.
async fn draft(citizen: &Person, office: &Office, now: u64) -> String {
    let draft = Draft::begin(citizen, office, now).await;
    draft.send(citizen, b"left alone").await.unwrap();
    draft.id
}

#[tokio::test]
async fn a_draft_goes_after_thirty_days_with_its_objects_and_nothing_that_was_sent_does() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let id = draft(&citizen, &office, world.clock_now()).await;
    assert_eq!(world.objects(), 2);

    world.clock.advance(29 * DAY);
    world.dossiers.recover().await.unwrap();
    assert_eq!(world.objects(), 2, "not yet");
    world.clock.advance(2 * DAY);
    world.dossiers.recover().await.unwrap();
    world.dossiers.recover().await.unwrap();
    assert_eq!(world.objects(), 1, "the sent one stays");
    assert_eq!(world.count("SELECT count(*) AS n FROM parts", &[]).await, 1);

    let account = citizen.account.parse().unwrap();
    let state =
        async |id: &str| world.dossiers.dossier_of(account, id.parse().unwrap()).await.unwrap().summary.state;
    assert_eq!(state(&id).await, "withdrawn");
    assert_eq!(state(&deposited.dossier.to_string()).await, "submitted");
    let late = world.dossiers.arrived(account, id.parse().unwrap(), FileId::random()).await.unwrap_err();
    assert_eq!(late.code(), "withdrawn");
}

#[tokio::test]
async fn what_was_never_attested_goes_after_a_day() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    office.deposit(&citizen, world.clock_now()).await;
    let documents = "SELECT count(*) AS n FROM attested_documents";
    let before = world.count(documents, &[]).await;
    // A scheme that nobody's passkey signed, an organisation that was prepared only, a ticket that nobody used.
    let prepared: Value =
        office.chief.server().post("/v1/schemes/prepare", &crate::support::form()).await.unwrap();
    let body = json!({"payload": prepared["payload"], "proof": {"type": "platform-asserted"}});
    let refused = office.chief.server().post::<_, Value>("/v1/schemes", &body).await;
    assert_eq!(told(&refused), (403, "proof_required"));
    let form =
        json!({"name": "X", "siret": null, "contact_email": "a@b.c", "root_fingerprint": "00".repeat(32)});
    administrator.server().post::<_, Value>("/v1/organisations/prepare", &form).await.unwrap();
    let list: Vec<Value> = office.officer.server().get("/v1/organisation/dossiers").await.unwrap();
    office.officer.ticket(list[0]["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(world.count(documents, &[]).await, before + 1);

    world.clock.advance(DAY + 1);
    world.dossiers.recover().await.unwrap();
    assert_eq!(world.count(documents, &[]).await, before);
    for table in ["SELECT count(*) AS n FROM prepared_organisations", "SELECT count(*) AS n FROM tickets"] {
        assert_eq!(world.count(table, &[]).await, 0, "{table}");
    }
}
