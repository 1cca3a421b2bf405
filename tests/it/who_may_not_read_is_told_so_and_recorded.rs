//! Bad days of a reading, with every process there: a ticket used twice, somebody of another organisation, a key manager that is away, a
//! connection that is cut. Each ends in a clear refusal and a record, and what was deposited opens afterwards.

use std::sync::Arc;

use sceau_client::{ClientError, Document, Person, ReadingPage, Scheme};
use sceau_element_api::DossierId;
use sceau_tests::{Gate, House, Moment, Premises, Stage, now_ms, opened_trace, publish_scheme, struck};
use sceau_trace::{Outcome, Record};
use serde_json::Value;

const CONTENT: &[u8] = &[7; 1_500_000];

/// A house with premises, and a dossier that was deposited there.
struct World {
    house: House,
    gate: Gate,
    administrator: Person,
    premises: Premises,
    officer: Person,
    citizen: Person,
    scheme: Scheme,
    dossier: DossierId,
}

impl World {
    async fn set(name: &str) -> Self {
        let (house, _, gate) = House::start_guarded(name).await;
        let administrator = house.administrator().await;
        let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
        premises.start_key_manager(&house);
        let scheme = publish_scheme(&staff.chief).await;
        let citizen = house.citizen("cleo@example.org").await;
        let dossier = deposit(&citizen, &scheme).await;
        Self { house, gate, administrator, premises, officer: staff.officer, citizen, scheme, dossier }
    }

    async fn open(&self, link: &str) -> Result<ReadingPage, ClientError> {
        let (platform, trust) = (&self.house.origin, self.premises.officer_trust());
        ReadingPage::open(link, platform, &trust, self.citizen.log_key()).await
    }

    /// Refusals in the log of an action, with a code.
    async fn refused(&self, action: &str, code: &str) -> Vec<Record> {
        let mut records = opened_trace(&self.house).await;
        records.retain(|record| record.action().as_str() == action && record.code() == code);
        records
    }
}

async fn deposit(citizen: &Person, scheme: &Scheme) -> DossierId {
    let document = Document {
        name: "pièce.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: CONTENT.to_vec(),
    };
    let deposited = citizen.deposit(scheme, &Stage::answers(), &[document], now_ms(), &mut |_| {}).await;
    deposited.unwrap().dossier
}

fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::Refused { code, .. }) => code,
        other => panic!("refused expected: {other:?}"),
    }
}

fn is_about(record: &Record, dossier: DossierId) -> bool {
    record.subjects().iter().any(|subject| subject.id == dossier.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_ticket_opens_nothing() {
    let world = World::set("replayed-ticket").await;
    let link = world.officer.ticket(world.dossier).await.unwrap();
    let page = world.open(&link).await.unwrap();
    assert_eq!(code(world.open(&link).await), "ticket_invalid");
    assert_eq!(world.refused("ticket.exchange", "ticket_invalid").await.len(), 1);
    // Whoever came first reads on.
    assert!(page.read().await.unwrap().files[0].content == CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_officer_of_another_organisation_opens_nothing() {
    let world = World::set("other-organisation").await;
    let (mut theirs, staff) = Premises::found(&world.house, &world.administrator, "Une autre").await;
    theirs.start_key_manager(&world.house);
    let link = staff.officer.ticket(world.dossier).await;
    assert_eq!(code(link), "not_found", "nobody learns that it is there");
    let refused = world.refused("ticket.issue", "not_found").await;
    assert!(refused.len() == 1 && is_about(&refused[0], world.dossier));

    // With a ticket that was meant for another, their certificate is none of our authority's.
    let log_key = world.citizen.log_key();
    let borrowed = world.officer.ticket(world.dossier).await.unwrap();
    let mut trust = theirs.officer_trust();
    trust.anchors_pem = world.premises.officer_trust().anchors_pem;
    let page = ReadingPage::open(&borrowed, &world.house.origin, &trust, log_key).await.unwrap();
    assert_eq!(code(page.read().await), "certificate_untrusted");
    assert_eq!(code(page.decide("accepted", "x").await), "certificate_untrusted");

    // And their own key manager has nothing to do with our dossiers, nor the key.
    let borrowed = world.officer.ticket(world.dossier).await.unwrap();
    let elsewhere = borrowed.replace(&world.premises.address(), &theirs.address());
    let trust = theirs.officer_trust();
    let page = ReadingPage::open(&elsewhere, &world.house.origin, &trust, log_key).await.unwrap();
    assert_eq!(code(page.read().await), "manifest_of_another_organisation");
    let own: Vec<Value> = theirs.administration().get("/v1/records").await.unwrap();
    let of_unwrapping = own.iter().map(|own| &own["record"]).filter(|r| r["action"] == "unwrap.outcome");
    let told: Vec<_> = of_unwrapping.map(|record| (&record["outcome"], &record["code"])).collect();
    assert_eq!(told, [(&"refused".into(), &"manifest_of_another_organisation".into())]);
    let opened = opened_trace(&world.house).await;
    assert!(
        !opened.iter().any(|r| r.action().as_str() == "unwrap.outcome" && r.outcome() == Outcome::Granted)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_key_manager_is_away_dossiers_wait_and_open_afterwards() {
    let mut world = World::set("key-manager-away").await;
    let link = world.officer.ticket(world.dossier).await.unwrap();
    let page = world.open(&link).await.unwrap();
    world.premises.key_manager.take().unwrap().kill();
    assert!(matches!(page.read().await, Err(ClientError::Transport(_))));
    assert!(matches!(page.decide("accepted", "Complet.").await, Err(ClientError::Transport(_))));
    // Nobody needs it to deposit: its key is stated.
    let second = deposit(&world.citizen, &world.scheme).await;

    world.premises.start_key_manager(&world.house);
    assert!(page.read().await.unwrap().files[0].content == CONTENT, "the same page goes on");
    let link = world.officer.ticket(second).await.unwrap();
    assert!(world.open(&link).await.unwrap().read().await.unwrap().files[0].content == CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_whose_connection_is_cut_begins_again() {
    let world = World::set("cut-reading").await;
    let link = world.officer.ticket(world.dossier).await.unwrap();
    let page = Arc::new(world.open(&link).await.unwrap());
    let hold =
        world.gate.hold(Moment::Answered, |method, path| method == "GET" && path.ends_with("/parts/1"));
    let (cut, fell) = struck(hold, page.read(), async |hold| drop(hold)).await;
    assert!(fell && matches!(cut, Err(ClientError::Transport(_))), "{cut:?}");
    assert!(page.read().await.unwrap().files[0].content == CONTENT);
    // One session fetched each file: that is said once, and each key that left is said each time.
    let records = opened_trace(&world.house).await;
    let fetched =
        records.iter().filter(|r| r.action().as_str() == "document.fetch" && is_about(r, world.dossier));
    assert_eq!(fetched.count(), 2);
}
