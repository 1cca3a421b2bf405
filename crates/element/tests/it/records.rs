//! Records: the platform's, stamped by the element; key managers', once each.

use sceau_crypto::{SigningKey, Typ, jws};
use sceau_element_api::documents::{Document, Outcome};
use sceau_element_api::wire::{Code, RecordDraft};
use sceau_element_api::{AccountId, Kind, Role};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, sha256};

use crate::house::{
    Element, House, Organisation, by_key, current, organisation, refused, shown, signing_statement, staff,
};

fn login() -> RecordDraft {
    RecordDraft::new(Actor::new(ActorKind::Citizen, AccountId::random().to_string()), Action::LOGIN).granted()
}

pub(crate) fn signed_record(organisation: &Organisation, key: &SigningKey, detail: &str) -> (Record, String) {
    record_by(AccountId::random(), organisation, key, detail)
}

fn record_by(
    account: AccountId,
    organisation: &Organisation,
    key: &SigningKey,
    detail: &str,
) -> (Record, String) {
    let actor = Actor::new(ActorKind::CaseOfficer, account.to_string());
    let record = Record::builder(12_345, actor, Asserted::Organisation, Action::UNWRAP_OUTCOME)
        .refused("quota")
        .subject("dossier", AccountId::random().to_string())
        .organisation(organisation.id.to_string())
        .detail("file", detail)
        .build()
        .unwrap();
    let jws = jws::sign(key, Typ::Record, &record.to_bytes());
    (record, jws)
}

#[tokio::test]
async fn time_only_goes_forward_in_the_log() {
    let element = Element::begin();
    for _ in 0..20 {
        element.client.append(login()).await.unwrap();
    }
    let entries = element.client.entries(0, 100).await.unwrap();
    let times: Vec<u64> = entries.iter().map(|entry| Record::parse(entry).unwrap().time()).collect();
    assert_eq!(times.len(), 21);
    assert!(times.is_sorted() && times[0] > 1_700_000_000_000);
}

#[tokio::test]
async fn personal_data_does_not_enter() {
    let element = Element::begin();
    let size = element.client.hello().await.unwrap().size;
    let draft = login().detail("mail", "jane.doe@example.org");
    refused(element.client.append(draft).await, Code::RecordMalformed);
    let trail = element.client.entries(size, 10).await.unwrap().concat();
    assert!(!String::from_utf8(trail).unwrap().contains("jane"));
}

#[tokio::test]
async fn a_key_managers_record_is_taken_in_once() {
    let house = House::build().await;
    let client = house.client();
    let (sent, jws) = signed_record(&house.organisation, &house.organisation.sign, "one");
    let index = client.append_signed(jws.clone()).await.unwrap();
    assert_eq!(client.append_signed(jws.clone()).await.unwrap(), index);
    let kept = shown(client, index).await;
    assert_eq!((kept.asserted(), kept.code()), (Asserted::Organisation, "quota"));
    assert_eq!((kept.actor(), kept.subjects()), (sent.actor(), sent.subjects()));
    assert_eq!(kept.detail()["signed_time"], "12345");
    assert_eq!(kept.detail()["signed_hash"], sha256(&sent.to_bytes()).to_string());
    let House { element, .. } = house;
    let element = element.restart().await;
    assert_eq!(element.client.append_signed(jws).await.unwrap(), index);
}

#[tokio::test]
async fn records_on_their_way_during_a_rotation_arrive() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let (second, third) = (SigningKey::generate(), SigningKey::generate());
    let statement = signing_statement(organisation.id, &organisation.root, &second, Some(&first));
    let row = current(client, Kind::KeyStatement, first.row()).await;
    let row = by_key(client, &organisation.root, Typ::KeyStatement, &statement, row).await.unwrap();
    for (key, detail) in [(&organisation.sign, "a"), (&second, "b")] {
        client.append_signed(signed_record(organisation, key, detail).1).await.unwrap();
    }
    // Two rotations later the first key is over.
    let statement = signing_statement(organisation.id, &organisation.root, &third, Some(&statement));
    by_key(client, &organisation.root, Typ::KeyStatement, &statement, Some(row.version())).await.unwrap();
    let late = signed_record(organisation, &organisation.sign, "c").1;
    refused(client.append_signed(late).await, Code::KeyUnknown);
}

#[tokio::test]
async fn a_key_manager_claims_no_more_than_is_its_own() {
    let house = House::build().await;
    let client = house.client();
    let sign = |record: &Record| jws::sign(&house.organisation.sign, Typ::Record, &record.to_bytes());
    let builder = |kind, asserted| {
        Record::builder(1, Actor::new(kind, AccountId::random().to_string()), asserted, Action::DECISION)
    };
    for kind in [ActorKind::Element, ActorKind::Platform, ActorKind::PlatformAdmin, ActorKind::Citizen] {
        let record = builder(kind, Asserted::Organisation).build().unwrap();
        refused(client.append_signed(sign(&record)).await, Code::ClaimRefused);
    }
    for asserted in [Asserted::Element, Asserted::Passkey, Asserted::Platform] {
        let record = builder(ActorKind::CaseOfficer, asserted).build().unwrap();
        refused(client.append_signed(sign(&record)).await, Code::ClaimRefused);
    }
    let attested = Attested {
        hash: sha256(b""),
        id: "x".to_owned(),
        kind: "decision".to_owned(),
        previous: None,
        version: 1,
    };
    let record = builder(ActorKind::CaseOfficer, Asserted::Organisation).attested(attested).build().unwrap();
    refused(client.append_signed(sign(&record)).await, Code::ClaimRefused);
    let other = AccountId::random().to_string();
    let record = builder(ActorKind::CaseOfficer, Asserted::Organisation).organisation(other).build().unwrap();
    refused(client.append_signed(sign(&record)).await, Code::ClaimRefused);
}

#[tokio::test]
async fn an_organisation_speaks_for_no_one_of_another() {
    let house = House::build().await;
    let client = house.client();
    let other = organisation(client, &house.admin).await;
    let officer = staff(client, &house.admin, Role::CaseOfficer, house.organisation.id).await;
    for victim in [officer.account.account, house.citizen.account.account] {
        let (_, jws) = record_by(victim, &other, &other.sign, "framed");
        refused(client.append_signed(jws).await, Code::ClaimRefused);
    }
    let own = record_by(officer.account.account, &house.organisation, &house.organisation.sign, "own").1;
    client.append_signed(own).await.unwrap();
    // Nor does it put a decision into the mouth of a stranger.
    let manifest = house.submit().await;
    let stranger = staff(client, &house.admin, Role::CaseOfficer, other.id).await;
    let sign = &house.organisation.sign;
    let mut decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    decision.decided_by = stranger.account.account;
    refused(by_key(client, sign, Typ::Decision, &decision, None).await, Code::ClaimRefused);
    decision.decided_by = officer.account.account;
    by_key(client, sign, Typ::Decision, &decision, None).await.unwrap();
}
