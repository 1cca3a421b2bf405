//! Data officers: they act on the data of their organisation, or of some of its applications, and on nothing else of it; and two of them are two people as administrators are.

use sceau_element_api::documents::{
    AccountDocument, ActDecision, CredentialDocument, CredentialStatus, Datum, DatumStatus, Decided,
    Document as _, Does, ProtectAct,
};
use sceau_element_api::protect::{Called, DatumId};
use sceau_element_api::wire::{AttestedRow, Code};
use sceau_element_api::{ActId, ApplicationId, CallError, Client, Kind, Role};

use super::caller::{Caller, Protected, seconds};
use super::erasure::{certificate, log_key};
use crate::authenticator::Authenticator;
use crate::house::{
    Keeping, Person, account, by_passkey, by_platform, credential, current, refused, scheme, shown, staff,
};

const DAY: u64 = 24 * 3600 * 1000;

/// An organisation with one administrator and a datum of each of two applications.
struct Office {
    house: Protected,
    other: Caller,
    known: [Called; 2],
    ahead: u64,
}

impl Office {
    async fn open(approver_age: u64) -> Self {
        let mut house = Protected::begin_with(Keeping { approver_age, ..Keeping::in_files(2) }).await;
        let client = house.element.client.clone();
        let mut other = Caller::new(house.organisation.id);
        by_passkey(&client, &house.administrator, &other.document, None).await.unwrap();
        let op = house.application.create();
        let first = house.application.ask(&client, "alice", op).await.unwrap();
        let op = other.create();
        let second = other.ask(&client, "alice", op).await.unwrap();
        Self { house, other, known: [first, second], ahead: 0 }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    /// The document of an officer of these applications; none: of all.
    fn role(&self, applications: Option<Vec<ApplicationId>>) -> AccountDocument {
        AccountDocument { applications, ..account(Role::DataOfficer, Some(self.house.organisation.id)) }
    }

    async fn officer(&self, by: &Person, applications: Option<Vec<ApplicationId>>) -> Person {
        let document = self.role(applications);
        by_passkey(&self.client(), by, &document, None).await.unwrap();
        let passkey = Authenticator::es256();
        by_platform(&self.client(), &credential(document.account, &passkey), None).await.unwrap();
        Person { account: document, passkey }
    }

    async fn chief(&self) -> Person {
        staff(&self.client(), &self.house.admin, Role::OrganisationAdmin, self.house.organisation.id).await
    }

    fn first(&self) -> Vec<DatumId> {
        vec![self.known[0].datum]
    }

    fn both(&self) -> Vec<DatumId> {
        self.known.iter().map(|one| one.datum).collect()
    }

    async fn acts(
        &self,
        by: &Person,
        does: Does,
        data: Vec<DatumId>,
    ) -> Result<(ProtectAct, AttestedRow), CallError> {
        let act = ProtectAct {
            v: 1,
            act: ActId::random(),
            organisation: self.house.organisation.id,
            does,
            data,
            reason: "Fin du projet".into(),
            time: seconds() * 1000 + self.ahead,
            by: by.account.account,
            decision: None,
        };
        by_passkey(&self.client(), by, &act, None).await.map(|row| (act, row))
    }

    async fn decides(
        &self,
        by: &Person,
        is: Decided,
        (act, row): &(ProtectAct, AttestedRow),
    ) -> Result<AttestedRow, CallError> {
        let time = seconds() * 1000 + self.ahead;
        let decision = ActDecision { is, by: by.account.account, time, request: row.hash };
        let decided = ProtectAct { decision: Some(decision), ..act.clone() };
        by_passkey(&self.client(), by, &decided, Some(row.version())).await
    }

    async fn datum(&self, at: usize) -> Datum {
        let (_, kept) = self.client().kept(Kind::Datum, self.known[at].datum).await.unwrap().unwrap();
        Datum::parse(&kept.payload).unwrap().document
    }

    /// What somebody says of an account that is there.
    async fn changed(&self, by: &Person, next: &AccountDocument) -> Result<AttestedRow, CallError> {
        let before = current(&self.client(), Kind::Account, next.account).await;
        by_passkey(&self.client(), by, next, before).await
    }

    async fn pass(&mut self, time: u64) {
        self.ahead += time;
        let keeping = Keeping { ahead: self.ahead, approver_age: DAY, ..Keeping::in_files(2) };
        self.house.element.restart_with(keeping).await;
    }
}

#[tokio::test]
async fn an_officer_acts_on_data_and_on_nothing_else() {
    let office = Office::open(0).await;
    let (client, house) = (office.client(), &office.house);
    // Their role is an administrator's word, not the platform's, nor a supervisor's.
    refused(by_platform(&client, &office.role(None), None).await, Code::ProofRequired);
    let supervisor = staff(&client, &house.admin, Role::Supervisor, house.organisation.id).await;
    refused(by_passkey(&client, &supervisor, &office.role(None), None).await, Code::NotAuthorised);
    let officer = office.officer(&house.administrator, None).await;

    let (_, row) = office.acts(&officer, Does::Hold, office.both()).await.unwrap();
    assert!(office.datum(0).await.held.is_some() && office.datum(1).await.held.is_some());
    let record = shown(&client, row.index + 1).await;
    assert_eq!((record.action().as_str(), record.actor().kind.as_str()), ("datum.hold", "data_officer"));
    office.acts(&officer, Does::Release, office.both()).await.unwrap();
    assert!(office.datum(0).await.held.is_none());

    // No application, no staff, no scheme, no passkey but their own.
    let organisation = house.organisation.id;
    let application = Caller::new(organisation);
    refused(by_passkey(&client, &officer, &application.document, None).await, Code::NotAuthorised);
    for role in [Role::CaseOfficer, Role::Supervisor, Role::DataOfficer, Role::OrganisationAdmin] {
        let document = account(role, Some(organisation));
        refused(by_passkey(&client, &officer, &document, None).await, Code::NotAuthorised);
    }
    refused(by_passkey(&client, &officer, &scheme(organisation), None).await, Code::NotAuthorised);
    let raised = AccountDocument { role: Role::OrganisationAdmin, ..officer.account.clone() };
    for by in [&officer, &house.administrator] {
        refused(office.changed(by, &raised).await, Code::NotAuthorised);
    }
    let theirs = credential(supervisor.account.account, &supervisor.passkey);
    let before = current(&client, Kind::Credential, theirs.row()).await;
    let revoked = CredentialDocument { status: CredentialStatus::Revoked, ..theirs };
    refused(by_passkey(&client, &officer, &revoked, before).await, Code::NotAuthorised);
    // Nor data of another organisation.
    let other = crate::house::organisation(&client, &house.admin).await;
    let stranger = staff(&client, &house.admin, Role::DataOfficer, other.id).await;
    refused(office.acts(&stranger, Does::Hold, office.first()).await, Code::NotAuthorised);
}

#[tokio::test]
async fn two_officers_erase_whom_no_administrator_of_the_organisation_both_enrolled() {
    let mut office = Office::open(0).await;
    let officer = office.officer(&office.house.administrator, None).await;
    let fellow = office.officer(&office.house.administrator, None).await;
    // One administrator would be two people, or three.
    refused(office.acts(&officer, Does::Erase, office.both()).await, Code::ApproverMissing);
    let second = office.chief().await;
    let theirs = office.officer(&second, None).await;
    let asked = office.acts(&officer, Does::Erase, office.both()).await.unwrap();
    for by in [&officer, &office.house.administrator, &fellow] {
        refused(office.decides(by, Decided::Approved, &asked).await, Code::SamePerson);
    }
    assert_eq!(office.datum(0).await.status, DatumStatus::Active);
    office.decides(&theirs, Decided::Approved, &asked).await.unwrap();
    assert_eq!(office.datum(1).await.status, DatumStatus::Erased);
    // The certificate names the act, and verifies as one of administrators does.
    let client = office.client();
    let erasure = certificate(&client, &mut office.house.application, &office.known[0]).await;
    assert_eq!(erasure.act, Some(asked.0.act));
    erasure.verify(Some(&log_key(&client).await)).unwrap();
}

#[tokio::test]
async fn officers_whom_the_platforms_administrator_enrolled_are_two_a_day_later() {
    let mut office = Office::open(DAY).await;
    let officer = office.officer(&office.house.admin, None).await;
    let fellow = office.officer(&office.house.admin, None).await;
    refused(office.acts(&officer, Does::Erase, office.both()).await, Code::ApproverMissing);
    office.pass(DAY + 60_000).await;
    let late = office.officer(&office.house.admin, None).await;
    let asked = office.acts(&officer, Does::Erase, office.both()).await.unwrap();
    refused(office.decides(&late, Decided::Approved, &asked).await, Code::SamePerson);
    office.decides(&fellow, Decided::Approved, &asked).await.unwrap();
}

#[tokio::test]
async fn an_officer_of_one_application_acts_on_its_data_alone() {
    let mut office = Office::open(DAY).await;
    let one = office.house.application.document.application;
    let both = vec![one, office.other.document.application];
    let administrator = &office.house.administrator;
    // The applications are the organisation's own, and registered.
    let unknown = office.role(Some(vec![ApplicationId::random()]));
    refused(by_passkey(&office.client(), administrator, &unknown, None).await, Code::ApplicationUnknown);
    let officer = office.officer(administrator, Some(vec![one])).await;
    let second = office.chief().await;
    let narrow = office.officer(&second, Some(vec![one])).await;
    office.acts(&officer, Does::Hold, office.first()).await.unwrap();
    refused(office.acts(&officer, Does::Hold, office.both()).await, Code::NotAuthorised);
    refused(office.acts(&officer, Does::Release, vec![office.known[1].datum]).await, Code::NotAuthorised);
    office.pass(DAY + 60_000).await;

    // Nor do they approve, or take back, what is about others too; of their own application's, they do.
    let administrator = &office.house.administrator;
    let asked = office.acts(administrator, Does::Erase, office.both()).await.unwrap();
    for is in [Decided::Approved, Decided::Withdrawn] {
        refused(office.decides(&narrow, is, &asked).await, Code::NotAuthorised);
    }
    // Wider since a moment ago: as new.
    let wider = AccountDocument { applications: Some(both), ..narrow.account.clone() };
    office.changed(&second, &wider).await.unwrap();
    refused(office.decides(&narrow, Decided::Approved, &asked).await, Code::SamePerson);
    office.decides(&narrow, Decided::Withdrawn, &asked).await.unwrap();
    let asked = office.acts(&second, Does::Erase, office.first()).await.unwrap();
    // Who asked has lost that application meanwhile: it is asked anew.
    let own = office.acts(&officer, Does::Erase, office.first()).await.unwrap();
    let moved = AccountDocument {
        applications: Some(vec![office.other.document.application]),
        ..officer.account.clone()
    };
    office.changed(administrator, &moved).await.unwrap();
    refused(office.decides(&second, Decided::Approved, &own).await, Code::ActEnded);
    office.decides(administrator, Decided::Approved, &asked).await.unwrap();
    assert_eq!(office.datum(0).await.status, DatumStatus::Erased);
    assert_eq!(office.datum(1).await.status, DatumStatus::Active);
}
