//! A whole deposit, from enrolment through reading to the decision: no entry of the log, and no byte of the journal, names a
//! person, a passkey, a dossier or a file; the evidence of each entry does.

use std::collections::BTreeSet;

use sceau_crypto::{FileId, Typ, jws};
use sceau_element_api::documents::{CredentialDocument, Document, DossierPhase, DossierState, Outcome};
use sceau_element_api::wire::{Code, RecordDraft};
use sceau_element_api::{AccountId, Kind, Role};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Commitment, FieldPath, Record};

use crate::house::{House, Person, account, by_key, by_passkey, by_platform, current, refused, shown};

/// The dossier is read: by the platform's word and by the key manager's.
async fn read(house: &House, officer: AccountId, file: FileId) {
    let actor = || Actor::new(ActorKind::CaseOfficer, officer.to_string());
    let (client, dossier) = (house.client(), house.dossier.dossier);
    for action in
        [Action::DOSSIER_VIEW, Action::TICKET_ISSUE, Action::TICKET_EXCHANGE, Action::DOCUMENT_FETCH]
    {
        let draft =
            RecordDraft::new(actor(), action).granted().subject("dossier", dossier).subject("file", file);
        client.append(draft).await.unwrap();
    }
    for record in [
        Record::builder(1, actor(), Asserted::Organisation, Action::UNWRAP_INTENT),
        Record::builder(2, actor(), Asserted::Organisation, Action::UNWRAP_OUTCOME).granted(),
        Record::builder(3, actor(), Asserted::Organisation, Action::UNWRAP_OUTCOME).refused("quota"),
    ] {
        let record = record.subject("dossier", dossier.to_string()).subject("file", file.to_string());
        let record = record.organisation(house.organisation.id.to_string()).build().unwrap();
        client
            .append_signed(jws::sign(&house.organisation.sign, Typ::Record, &record.to_bytes()))
            .await
            .unwrap();
    }
}

/// Sends, reads and decides; refusals are among it. The ids that nobody may find in the log.
async fn whole_life(house: &House) -> Vec<String> {
    let client = house.client();
    let manifest = house.submit().await;
    let draft = current(client, Kind::Dossier, house.dossier.dossier).await;
    let submitted = DossierState { phase: DossierPhase::Submitted, ..house.dossier.clone() };
    let submitted = by_platform(client, &submitted, draft).await.unwrap();
    let file = FileId::random();
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    read(house, decision.decided_by, file).await;
    by_key(client, &house.organisation.sign, Typ::Decision, &decision, None).await.unwrap();
    let accepted = DossierState { phase: DossierPhase::Accepted, ..house.dossier.clone() };
    by_platform(client, &accepted, Some(submitted.version())).await.unwrap();
    // Refusals name rows too.
    refused(by_platform(client, &accepted, None).await, Code::StaleVersion);
    let stranger = account(Role::PlatformAdmin, None);
    refused(by_platform(client, &stranger, None).await, Code::AdminExists);

    let people: [&Person; 3] = [&house.admin, &house.organisation_admin, &house.citizen];
    let accounts = people.map(|person| person.account.account.to_string());
    let passkeys = people.map(|person| CredentialDocument::row_of(&person.passkey.credential_id).to_string());
    let others = [decision.decided_by.to_string(), stranger.account.to_string(), file.to_string()];
    let dossier = house.dossier.dossier.to_string();
    accounts.into_iter().chain(passkeys).chain(others).chain([dossier]).collect()
}

#[tokio::test]
async fn no_entry_names_a_person_and_the_evidence_does() {
    let house = House::build().await;
    let ids = whole_life(&house).await;
    let client = house.client();
    let size = client.hello().await.unwrap().size;
    let mut told = BTreeSet::new();
    for index in 0..size {
        let entry = client.entries(index, 1).await.unwrap().concat();
        let text = String::from_utf8(entry.clone()).unwrap();
        for id in &ids {
            assert!(!text.contains(id), "entry {index} names {id}: {text}");
        }
        let opened = String::from_utf8(shown(client, index).await.to_bytes()).unwrap();
        assert!(!opened.contains("hmac:"), "the evidence of entry {index} opens all of it: {opened}");
        told.extend(ids.iter().filter(|id| opened.contains(*id)));
    }
    assert_eq!(told.len(), ids.len(), "the evidence tells each of them");
    // What is an organisation's stays in clear, for everyone who watches its keys.
    let entries = client.entries(0, size).await.unwrap();
    let clear = |kind: &str| {
        let of_kind = |record: &Record| record.attested().is_some_and(|attested| attested.kind == kind);
        let records = entries.iter().map(|entry| Record::parse(entry).unwrap());
        records.filter(of_kind).all(|record| Commitment::parse(&record.attested().unwrap().id).is_none())
    };
    assert!(clear("organisation") && clear("key-statement") && clear("scheme") && !clear("dossier"));
}

#[tokio::test]
async fn the_journal_names_nobody_either() {
    let house = House::build().await;
    let ids = whole_life(&house).await;
    let House { element, .. } = house;
    let (folder, _) = element.stop().await;
    let journal = std::fs::read(folder.path().join("state/journal")).unwrap();
    let holds = |needle: &[u8]| journal.windows(needle.len()).any(|window| window == needle);
    for id in &ids {
        assert!(!holds(id.as_bytes()), "{id}");
    }
    assert!(!holds("Dossier complet.".as_bytes()), "nor what was decided, in words");
    assert!(holds(b"organisation.enrol"), "the search works");
}

#[tokio::test]
async fn openings_are_there_after_a_restart_and_one_alone_opens_one_field() {
    let house = House::build().await;
    house.submit().await;
    let House { element, citizen, dossier, .. } = house;
    let element = element.restart().await;
    let client = &element.client;
    let index = client.current(Kind::Manifest, dossier.dossier).await.unwrap().unwrap().index;
    let evidence = client.evidence(index).await.unwrap();
    let evidence = sceau_trace::Evidence::parse(evidence.as_bytes()).unwrap();
    let subjects = evidence.openings().clone().only(|path| path != FieldPath::Actor);
    let without = evidence.with_openings(subjects).unwrap().verify(None).unwrap().record;
    assert!(Commitment::parse(&without.actor().id).is_some());
    assert_eq!(without.attested().unwrap().id, dossier.dossier.to_string());
    assert_eq!(shown(client, index).await.actor().id, citizen.account.account.to_string());
}

#[tokio::test]
async fn a_commitment_cannot_be_brought_from_outside() {
    let house = House::build().await;
    let client = house.client();
    let forged = format!("hmac:{}", "A".repeat(43));
    let of = |id: &str| RecordDraft::new(Actor::new(ActorKind::Citizen, id), Action::LOGIN).granted();
    refused(client.append(of(&forged)).await, Code::ClaimRefused);
    refused(client.append(of("x").subject("dossier", &forged)).await, Code::ClaimRefused);
    refused(client.append(of(&forged[..20])).await, Code::RecordMalformed);
    let actor = Actor::new(ActorKind::CaseOfficer, forged);
    let record = Record::builder(1, actor, Asserted::Organisation, Action::UNWRAP_INTENT).build().unwrap();
    let jws = jws::sign(&house.organisation.sign, Typ::Record, &record.to_bytes());
    refused(client.append_signed(jws).await, Code::ClaimRefused);
}

#[tokio::test]
async fn a_row_keeps_its_line_though_its_id_is_hidden() {
    // The second version of a scheme and of an account follow the first ones in the map that the checkpoint binds.
    let house = House::build().await;
    let client = house.client();
    let before = client.checkpoint().await.unwrap();
    let mut scheme = house.scheme.clone();
    scheme.title.fr = "Deuxième".to_owned();
    let first = current(client, Kind::Scheme, house.scheme.row()).await;
    by_passkey(client, &house.organisation_admin, &scheme, first).await.unwrap();
    let size = client.hello().await.unwrap().size;
    let mut rows = sceau_trace::AttestedRows::new();
    for entry in client.entries(0, size).await.unwrap() {
        if let Some(attested) = Record::parse(&entry).unwrap().attested() {
            rows.take(attested).unwrap();
        }
    }
    let root = |note: &str| sceau_trace::SignedCheckpoint::parse(note).unwrap().unverified().map_root();
    let after = client.checkpoint().await.unwrap();
    assert_eq!(root(&after), Some(rows.root()), "whoever has the entries alone finds the same root");
    assert_ne!(root(&before), root(&after));
}
