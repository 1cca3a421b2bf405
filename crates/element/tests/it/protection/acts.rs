//! Administrators act on data of their organisation: one gesture for many, two people for what cannot be undone; and what they hold, no application lets go.

use sceau_element::Claim;
use sceau_element_api::documents::{
    AccountStatus, ActDecision, CredentialStatus, Datum, DatumStatus, Decided, Document as _, Does,
    ProtectAct,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::protect::{Called, DatumId};
use sceau_element_api::wire::{Attest, AttestedRow, Code, Version};
use sceau_element_api::{AccountId, ActId, CallError, Client, Kind, OrganisationId, Role};
use serde_json::json;

use super::caller::{Caller, Protected, seconds};
use super::erasure::{certificate, log_key, of};
use crate::authenticator::Authenticator;
use crate::house::{Keeping, Person, by_passkey, citizen, credential, organisation, refused, shown, staff};

type Change = fn(&mut ProtectAct);

#[test]
fn the_words_of_before_are_taken_of_nothing_new() {
    let (act, organisation) = (ActId::random(), OrganisationId::random());
    for (does, is_taken) in [("hold", true), ("release", true), ("deactivate", false), ("activate", false)] {
        let payload = json!({
            "v": 1, "act": act, "organisation": organisation, "does": does, "data": [DatumId::random()], "reason": "why", "time": 1,
            "by": AccountId::random(),
        });
        let payload = serde_json::to_vec(&payload).unwrap().into();
        let (kind, id, proof) = (Kind::ProtectAct, act.into(), Proof::PlatformAsserted);
        let read = Claim::read(Attest { kind, id, previous: None, payload, proof });
        let code = read.map(|_| ()).map_err(|refusal| refusal.code);
        assert_eq!(code, if is_taken { Ok(()) } else { Err(Code::DocumentMalformed) }, "{does}");
    }
}

const DAY: u64 = 24 * 3600 * 1000;

/// An organisation with two administrators and some data.
struct Stage {
    house: Protected,
    second: Person,
    known: Vec<Called>,
}

impl Stage {
    async fn set(count: usize) -> Self {
        let mut house = Protected::begin().await;
        let client = house.element.client.clone();
        let second = staff(&client, &house.admin, Role::OrganisationAdmin, house.organisation.id).await;
        let mut known = Vec::new();
        for _ in 0..count {
            let op = house.application.create();
            known.push(house.application.ask(&client, "alice", op).await.unwrap());
        }
        Self { house, second, known }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    fn act(&self, does: Does) -> ProtectAct {
        ProtectAct {
            v: 1,
            act: ActId::random(),
            organisation: self.house.organisation.id,
            does,
            data: self.known.iter().map(|one| one.datum).collect(),
            reason: "Demande du délégué à la protection des données".into(),
            time: seconds() * 1000,
            by: self.house.administrator.account.account,
            decision: None,
        }
    }

    async fn sign(&self, act: &ProtectAct) -> Result<AttestedRow, CallError> {
        by_passkey(&self.client(), &self.house.administrator, act, None).await
    }

    async fn request(&self) -> (ProtectAct, AttestedRow) {
        let act = self.act(Does::Erase);
        let row = self.sign(&act).await.unwrap();
        (act, row)
    }

    async fn open(&mut self, at: usize) -> Result<Called, CallError> {
        let (client, opening) = (self.client(), self.house.application.opening(&self.known[at]));
        self.house.application.ask_mending(&client, "alice", opening).await
    }

    async fn ask(&mut self, name: &str, at: usize) -> Called {
        let (client, op) = (self.client(), of(name, &self.known[at]));
        self.house.application.ask_mending(&client, "alice", op).await.unwrap()
    }

    async fn restart(&mut self, ahead: u64) {
        self.house.element.restart_with(Keeping { ahead, ..Keeping::in_files(2) }).await;
    }
}

fn decided(act: &ProtectAct, row: &AttestedRow, is: Decided, by: &Person, time: u64) -> ProtectAct {
    let decision = ActDecision { is, by: by.account.account, time, request: row.hash };
    ProtectAct { decision: Some(decision), ..act.clone() }
}

async fn datum(client: &Client, id: DatumId) -> Datum {
    let (_, kept) = client.kept(Kind::Datum, id).await.unwrap().unwrap();
    Datum::parse(&kept.payload).unwrap().document
}

fn subject(record: &sceau_trace::Record, kind: &str) -> String {
    record.subjects().iter().find(|it| it.kind == kind).unwrap().id.clone()
}

#[tokio::test]
async fn what_administrators_hold_no_application_lets_go() {
    let mut stage = Stage::set(3).await;
    stage.ask("deactivate", 2).await;
    let act = stage.act(Does::Hold);
    let row = stage.sign(&act).await.unwrap();
    assert_eq!(row.version, 1);
    for at in 0..3 {
        stage.ask("activate", at).await;
        refused(stage.open(at).await, Code::DatumHeld);
    }
    let held = datum(&stage.client(), stage.known[0].datum).await;
    assert_eq!((held.status, held.held.unwrap().act), (DatumStatus::Active, act.act));
    // The record of the act, then those of the data: one batch.
    let record = shown(&stage.client(), row.index).await;
    assert_eq!(
        (record.action().as_str(), &*record.detail()["does"], &*record.detail()["count"]),
        ("datum.act", "hold", "3")
    );
    let record = shown(&stage.client(), row.index + 3).await;
    assert_eq!(record.action().as_str(), "datum.hold");
    assert_eq!(record.actor().id, act.by.to_string());
    assert_eq!(subject(&record, "datum"), stage.known[2].datum.to_string());
    // What is so already is left as it is, and a restart knows it all.
    stage.restart(0).await;
    refused(stage.open(0).await, Code::DatumHeld);
    let again = stage.act(Does::Hold);
    let row = stage.sign(&again).await.unwrap();
    assert_eq!(stage.client().hello().await.unwrap().size, row.index + 1);
    stage.ask("deactivate", 1).await;
    stage.sign(&stage.act(Does::Release)).await.unwrap();
    stage.open(0).await.unwrap();
    refused(stage.open(1).await, Code::DatumInactive);
    // The owner is told.
    let list = stage.ask("accesses", 0).await.accesses.unwrap().list;
    let acts: Vec<_> =
        list.iter().filter(|one| one.act.is_some()).map(|one| (&*one.action, one.act)).collect();
    assert_eq!(acts[1], ("datum.hold", Some(act.act)));
    assert_eq!((acts.len(), acts[0].0), (2, "datum.release"));
}

#[tokio::test]
async fn an_act_is_an_administrators_word_of_now_about_data_of_the_organisation() {
    let mut stage = Stage::set(2).await;
    let client = stage.client();
    let house = &stage.house;
    let other = organisation(&client, &house.admin).await;
    let stranger = staff(&client, &house.admin, Role::OrganisationAdmin, other.id).await;
    let officer = staff(&client, &house.admin, Role::CaseOfficer, house.organisation.id).await;
    let citizen = citizen(&client).await;
    for person in [&stranger, &officer, &citizen, &house.admin] {
        let act = ProtectAct { by: person.account.account, ..stage.act(Does::Hold) };
        refused(by_passkey(&client, person, &act, None).await, Code::NotAuthorised);
    }
    // Of data of another organisation, an administrator of that one.
    let foreign = Caller::new(other.id);
    by_passkey(&client, &stranger, &foreign.document, None).await.unwrap();
    let act = ProtectAct { organisation: other.id, by: stranger.account.account, ..stage.act(Does::Hold) };
    refused(by_passkey(&client, &stranger, &act, None).await, Code::DatumUnknown);
    let changes: [(Change, Code); 9] = [
        (|it| it.data.push(DatumId::random()), Code::DatumUnknown),
        (|it| it.by = sceau_element_api::AccountId::random(), Code::ClaimRefused),
        (|it| it.time -= 11 * 60 * 1000, Code::ClaimRefused),
        (|it| it.time += 11 * 60 * 1000, Code::ClaimRefused),
        (|it| it.reason = "\u{202e}".into(), Code::DocumentMalformed),
        (|it| it.reason = " ".into(), Code::DocumentMalformed),
        (|it| it.data.clear(), Code::DocumentMalformed),
        (|it| it.data.push(it.data[0]), Code::DocumentMalformed),
        (|it| it.data = (0..101).map(|_| DatumId::random()).collect(), Code::DocumentMalformed),
    ];
    for (change, code) in changes {
        let mut act = stage.act(Does::Hold);
        change(&mut act);
        if code == Code::DocumentMalformed {
            assert!(act.check().is_err());
        } else {
            refused(stage.sign(&act).await, code);
        }
    }
    // Nothing of an act happens where one datum is against it.
    let mut with_unknown = stage.act(Does::Hold);
    with_unknown.data.push(DatumId::random());
    refused(stage.sign(&with_unknown).await, Code::DatumUnknown);
    stage.open(0).await.unwrap();
    // One gesture is good once, and an act is none of another kind.
    let act = stage.act(Does::Hold);
    let row = stage.sign(&act).await.unwrap();
    refused(stage.sign(&act).await, Code::StaleVersion);
    let again = by_passkey(&client, &stage.house.administrator, &act, Some(row.version())).await;
    refused(again, Code::FieldFixed);
}

#[tokio::test]
async fn erasing_takes_two_people() {
    let mut stage = Stage::set(2).await;
    let (act, row) = stage.request().await;
    stage.open(0).await.unwrap();
    let client = stage.client();
    let house = &stage.house;
    let now = seconds() * 1000;
    let previous = || Some(row.version());
    // Not who asked, nor with another passkey of theirs.
    let own = decided(&act, &row, Decided::Approved, &house.administrator, now);
    refused(by_passkey(&client, &house.administrator, &own, previous()).await, Code::SamePerson);
    let spare = Person { account: house.administrator.account.clone(), passkey: Authenticator::es256() };
    let enrolled = credential(spare.account.account, &spare.passkey);
    by_passkey(&client, &house.administrator, &enrolled, None).await.unwrap();
    refused(by_passkey(&client, &spare, &own, previous()).await, Code::SamePerson);
    // Nor who is of no such role, nor for another request than this one.
    let officer = staff(&client, &house.admin, Role::Supervisor, house.organisation.id).await;
    let by_officer = decided(&act, &row, Decided::Approved, &officer, now);
    refused(by_passkey(&client, &officer, &by_officer, previous()).await, Code::NotAuthorised);
    let approved = decided(&act, &row, Decided::Approved, &stage.second, now);
    let mut longer = approved.clone();
    longer.data.pop();
    refused(by_passkey(&client, &stage.second, &longer, previous()).await, Code::FieldFixed);
    let mut of_other = approved.clone();
    of_other.decision.as_mut().unwrap().request = sceau_trace::sha256(b"another");
    refused(by_passkey(&client, &stage.second, &of_other, previous()).await, Code::HashMismatch);
    // Two people, and the data are gone.
    let done = by_passkey(&client, &stage.second, &approved, previous()).await.unwrap();
    assert_eq!(done.version, 2);
    refused(stage.open(0).await, Code::DatumErased);
    let erased = datum(&client, stage.known[1].datum).await;
    assert_eq!((erased.status, erased.erased.unwrap().act), (DatumStatus::Erased, Some(act.act)));
    assert_eq!((erased.name.as_str(), erased.tags.len(), erased.grants.len()), ("", 0, 0));
    let record = shown(&client, done.index).await;
    assert_eq!(record.actor().id, stage.second.account.account.to_string());
    assert_eq!(subject(&record, "requested_by"), act.by.to_string());
    assert_eq!(&*record.detail()["decision"], "approved");
    let log: Vec<u8> = client.entries(0, done.index + 3).await.unwrap().concat();
    let log = String::from_utf8(log).unwrap();
    for hidden in
        [act.by.to_string(), stage.second.account.account.to_string(), stage.known[0].datum.to_string()]
    {
        assert!(!log.contains(&hidden), "the log shows commitments alone");
    }
    // Once: neither again, nor back.
    for is in [Decided::Approved, Decided::Withdrawn] {
        let more = decided(&act, &row, is, &stage.second, now);
        refused(by_passkey(&client, &stage.second, &more, previous()).await, Code::StaleVersion);
        refused(by_passkey(&client, &stage.second, &more, Some(done.version())).await, Code::ActEnded);
    }
    refused(stage.sign(&stage.act(Does::Release)).await, Code::DatumErased);
}

#[tokio::test]
async fn the_certificate_of_an_erasure_by_administrators_names_the_act() {
    let mut stage = Stage::set(2).await;
    let (act, row) = stage.request().await;
    // Its owner erases one meanwhile.
    stage.ask("erase", 1).await;
    let approved = decided(&act, &row, Decided::Approved, &stage.second, seconds() * 1000);
    by_passkey(&stage.client(), &stage.second, &approved, Some(row.version())).await.unwrap();
    stage.restart(0).await;
    let client = stage.client();
    let key = log_key(&client).await;
    let application = &mut stage.house.application;
    let by_two = certificate(&client, application, &stage.known[0]).await;
    assert_eq!(by_two.act, Some(act.act));
    assert!(by_two.destroyed.is_some());
    assert!(by_two.clone().verify(Some(&key)).unwrap().key_pinned);
    let by_owner = certificate(&client, application, &stage.known[1]).await;
    assert_eq!(by_owner.act, None);
    let mut altered = by_two.clone();
    altered.act = None;
    assert!(altered.verify(Some(&key)).is_err());
    let mut altered = by_two.clone();
    altered.act = Some(ActId::random());
    assert!(altered.verify(Some(&key)).is_err());
    let mut altered = by_two;
    altered.application = sceau_element_api::ApplicationId::random();
    assert!(altered.verify(Some(&key)).is_err());
    let mut altered = by_owner;
    altered.act = Some(act.act);
    assert!(altered.verify(Some(&key)).is_err());
}

#[tokio::test]
async fn a_request_survives_a_restart_and_ends_after_seven_days() {
    let mut stage = Stage::set(1).await;
    let (act, row) = stage.request().await;
    let (other, other_row) = stage.request().await;
    stage.restart(6 * DAY).await;
    let now = |ahead: u64| seconds() * 1000 + ahead;
    let withdrawn = decided(&other, &other_row, Decided::Withdrawn, &stage.house.administrator, now(6 * DAY));
    let by = &stage.house.administrator;
    by_passkey(&stage.client(), by, &withdrawn, Some(other_row.version())).await.unwrap();
    let approved = decided(&other, &other_row, Decided::Approved, &stage.second, now(6 * DAY));
    let current: Option<Version> = crate::house::current(&stage.client(), Kind::ProtectAct, other.act).await;
    refused(by_passkey(&stage.client(), &stage.second, &approved, current).await, Code::ActEnded);
    stage.restart(7 * DAY).await;
    let approved = decided(&act, &row, Decided::Approved, &stage.second, now(7 * DAY));
    refused(by_passkey(&stage.client(), &stage.second, &approved, Some(row.version())).await, Code::ActEnded);
    assert_eq!(datum(&stage.client(), stage.known[0].datum).await.status, DatumStatus::Active);
}

#[tokio::test]
async fn both_people_count_when_it_takes_effect_and_there_must_be_two() {
    let stage = Stage::set(1).await;
    let client = stage.client();
    let house = &stage.house;
    let (act, row) = stage.request().await;
    let passkey = credential(act.by, &house.administrator.passkey);
    let revoked = sceau_element_api::documents::CredentialDocument {
        status: CredentialStatus::Revoked,
        ..passkey.clone()
    };
    let current = crate::house::current(&client, Kind::Credential, passkey.row()).await;
    by_passkey(&client, &house.admin, &revoked, current).await.unwrap();
    let approved = decided(&act, &row, Decided::Approved, &stage.second, seconds() * 1000);
    refused(by_passkey(&client, &stage.second, &approved, Some(row.version())).await, Code::ActEnded);
    // The one who is left cannot even ask: nobody could approve.
    let own = ProtectAct { by: stage.second.account.account, ..stage.act(Does::Erase) };
    let mut suspended = house.administrator.account.clone();
    suspended.status = AccountStatus::Suspended;
    let current = crate::house::current(&client, Kind::Account, suspended.account).await;
    by_passkey(&client, &house.admin, &suspended, current).await.unwrap();
    refused(by_passkey(&client, &stage.second, &own, None).await, Code::ApproverMissing);
    let act = ProtectAct { act: ActId::random(), does: Does::Hold, ..own };
    by_passkey(&client, &stage.second, &act, None).await.unwrap();
}

#[tokio::test]
async fn what_is_held_survives_the_epochs() {
    let mut stage = Stage::set(3).await;
    let client = stage.client();
    let key = {
        let opened = stage.open(0).await.unwrap();
        stage.house.application.data_key(&opened)
    };
    let act = ProtectAct { data: vec![stage.known[0].datum], ..stage.act(Does::Hold) };
    stage.sign(&act).await.unwrap();
    stage.ask("erase", 2).await;
    drop(client);
    stage.restart(0).await;
    refused(stage.open(0).await, Code::DatumHeld);
    let act = ProtectAct { data: vec![stage.known[0].datum], ..stage.act(Does::Release) };
    stage.sign(&act).await.unwrap();
    let opened = stage.open(0).await.unwrap();
    assert_eq!(stage.house.application.data_key(&opened), key);
    assert_eq!(json!(datum(&stage.client(), stage.known[0].datum).await.held), json!(null));
}
