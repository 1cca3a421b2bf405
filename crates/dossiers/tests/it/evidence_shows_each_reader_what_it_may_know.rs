//! Everyone may read the log and its evidence; names of people and dossiers are opened for those concerned, and no further.

use sceau_client::Server;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::Outcome;
use sceau_element_api::wire::RecordDraft;
use sceau_trace::{Action, Actor, ActorKind, Commitment, Evidence, Record};
use serde_json::{Value, json};

use crate::support::World;

async fn record(server: &Server, path: &str) -> Record {
    let evidence: Value = server.get(path).await.unwrap();
    opened(&evidence)
}

fn opened(evidence: &Value) -> Record {
    Evidence::parse(evidence.to_string().as_bytes()).unwrap().verify(None).unwrap().record
}

fn withheld(id: &str) -> bool {
    Commitment::parse(id).is_some()
}

#[tokio::test]
async fn nobody_is_told_and_the_depositor_is() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let dossier = deposited.dossier.to_string();
    let decision = office.decision(&deposited, Outcome::Accepted, "Oui.", world.clock_now());
    office.machine.deliver_decision(&decision).await.unwrap();

    let nobody = world.nobody();
    let ids = [&dossier, &citizen.account, &office.officer.account, &administrator.account];
    let size = world.dossiers.element().hello().await.unwrap().size;
    for index in 0..size {
        let evidence: Value = nobody.get(&format!("/v1/trace/evidence/{index}")).await.unwrap();
        opened(&evidence);
        let entry: Value = nobody.get(&format!("/v1/trace/records?start={index}&count=1")).await.unwrap();
        for told in [evidence.to_string(), decoded(&evidence["record"]), decoded(&entry[0])] {
            assert!(ids.iter().all(|id| !told.contains(id.as_str())), "entry {index}: {told}");
        }
    }

    // The depositor: the dossier and its own account; of the organisation's people the quality alone.
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
    let lines = view["timeline"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let path = format!("/v1/dossiers/{dossier}/evidence/{}", line["index"]);
        let record = record(citizen.server(), &path).await;
        assert_eq!(record.attested().unwrap().id, dossier);
        let own = record.actor().kind == ActorKind::Citizen;
        assert!(if own { record.actor().id == citizen.account } else { withheld(&record.actor().id) });
    }
}

#[tokio::test]
async fn the_organisation_learns_the_dossier_and_not_the_account() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let dossier = office.deposit(&citizen, world.clock_now()).await.dossier.to_string();
    let ticket: Value =
        office.officer.server().post(&format!("/v1/dossiers/{dossier}/ticket"), &json!({})).await.unwrap();
    let ticket = ticket["url"].as_str().unwrap().rsplit_once('=').unwrap().1;
    let page = world.nobody();
    let token: Value = page.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = page.get(&format!("/v1/reading/{dossier}/bundle")).await.unwrap();
    let manifest = opened(&bundle["manifest_evidence"]);
    assert_eq!(manifest.attested().unwrap().id, dossier);
    assert!(withheld(&manifest.actor().id));
    let told = bundle["manifest_evidence"].to_string();
    assert!(!told.contains(&citizen.account));
    let passkey = manifest.subjects().iter().find(|subject| subject.kind == "credential").unwrap();
    assert!(withheld(&passkey.id));
    // By its id two organisations would know that they have the same depositor.
    let passkey = Base64Url(citizen.passkey().unwrap().credential_id().to_vec()).encode();
    assert!(!bundle.to_string().contains(&passkey));
}

#[tokio::test]
async fn what_is_appended_without_a_person_needs_no_opening() {
    let world = World::new().await;
    let draft = RecordDraft::new(Actor::new(ActorKind::Platform, "platform"), Action::LOGIN).granted();
    let index = world.dossiers.element().append(draft).await.unwrap();
    let evidence: Value = world.nobody().get(&format!("/v1/trace/evidence/{index}")).await.unwrap();
    assert_eq!(opened(&evidence).actor().id, "platform");
}

fn decoded(base64url: &Value) -> String {
    let bytes: Base64Url = serde_json::from_value(base64url.clone()).unwrap();
    String::from_utf8(bytes.0).unwrap()
}
