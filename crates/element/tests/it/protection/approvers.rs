//! Whoever hands out invitations is not both of the two people that erase: who approves was there before anything was asked, and is of nobody's making.

use sceau_element_api::documents::{AccountDocument, AccountStatus, ActDecision, Decided, Does, ProtectAct};
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::{AttestedRow, Code};
use sceau_element_api::{ActId, CallError, Client, Kind, Role};

use super::caller::{Protected, seconds};
use crate::authenticator::Authenticator;
use crate::house::{Keeping, Person, account, by_passkey, by_platform, credential, current, refused, staff};

const DAY: u64 = 24 * 3600 * 1000;

/// An organisation with one administrator and a datum, at an element whose clock goes on by days.
struct Days {
    house: Protected,
    datum: DatumId,
    ahead: u64,
}

impl Days {
    async fn begin() -> Self {
        let mut house = Protected::begin_with(keeping(0)).await;
        let client = house.element.client.clone();
        let op = house.application.create();
        let datum = house.application.ask(&client, "alice", op).await.unwrap().datum;
        Self { house, datum, ahead: 0 }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    async fn chief(&self) -> Person {
        staff(&self.client(), &self.house.admin, Role::OrganisationAdmin, self.house.organisation.id).await
    }

    /// A day passes, in which the element is started anew.
    async fn pass(&mut self, time: u64) {
        self.ahead += time;
        self.house.element.restart_with(keeping(self.ahead)).await;
    }

    fn now(&self) -> u64 {
        seconds() * 1000 + self.ahead
    }

    async fn asks(&self, by: &Person) -> Result<(ProtectAct, AttestedRow), CallError> {
        let act = ProtectAct {
            v: 1,
            act: ActId::random(),
            organisation: self.house.organisation.id,
            does: Does::Erase,
            data: vec![self.datum],
            reason: "Fin du projet".into(),
            time: self.now(),
            by: by.account.account,
            decision: None,
        };
        by_passkey(&self.client(), by, &act, None).await.map(|row| (act, row))
    }

    async fn approves(
        &self,
        by: &Person,
        (act, row): &(ProtectAct, AttestedRow),
    ) -> Result<AttestedRow, CallError> {
        let decision = ActDecision {
            is: Decided::Approved,
            by: by.account.account,
            time: self.now(),
            request: row.hash,
        };
        let approved = ProtectAct { decision: Some(decision), ..act.clone() };
        by_passkey(&self.client(), by, &approved, Some(row.version())).await
    }

    /// What an administrator says of an account, its present version being there.
    async fn changed(&self, by: &Person, next: &AccountDocument) -> Result<AttestedRow, CallError> {
        let before = current(&self.client(), Kind::Account, next.account).await;
        by_passkey(&self.client(), by, next, before).await
    }
}

fn keeping(ahead: u64) -> Keeping {
    Keeping { ahead, approver_age: DAY, ..Keeping::in_files(2) }
}

#[tokio::test]
async fn who_approves_was_there_a_day_before_it_was_asked() {
    let mut days = Days::begin().await;
    let chief = days.chief().await;
    // Invited for the purpose: nobody can approve yet, and the one who asks is told so.
    let second = days.chief().await;
    refused(days.asks(&chief).await, Code::ApproverMissing);
    days.pass(DAY - 60_000).await;
    refused(days.asks(&chief).await, Code::ApproverMissing);
    days.pass(60_000).await;
    let asked = days.asks(&chief).await.unwrap();
    // Who comes after the request waits in vain; so does a passkey that comes late, of whoever it is.
    let late = days.chief().await;
    let spare = Person { account: second.account.clone(), passkey: Authenticator::es256() };
    let document = credential(spare.account.account, &spare.passkey);
    by_passkey(&days.client(), &second, &document, None).await.unwrap();
    for person in [&late, &spare] {
        refused(days.approves(person, &asked).await, Code::SamePerson);
    }
    days.pass(2 * DAY).await;
    for person in [&late, &spare] {
        refused(days.approves(person, &asked).await, Code::SamePerson);
    }
    // For what is asked from then on, they count.
    let other = days.asks(&chief).await.unwrap();
    days.approves(&second, &asked).await.unwrap();
    days.approves(&spare, &other).await.unwrap();
}

#[tokio::test]
async fn an_account_that_came_back_is_as_new() {
    let mut days = Days::begin().await;
    let second = days.chief().await;
    let chief = days.chief().await;
    days.pass(2 * DAY).await;
    let admin = &days.house.admin;
    // Taken out of use and back, or invited anew, with the passkey of before: somebody else's word of now.
    let suspended = AccountDocument { status: AccountStatus::Suspended, ..second.account.clone() };
    days.changed(admin, &suspended).await.unwrap();
    days.changed(admin, &second.account).await.unwrap();
    let asked = days.asks(&chief).await.unwrap();
    refused(days.approves(&second, &asked).await, Code::SamePerson);
    let administrator = &days.house.administrator;
    let invitation_hash = Some(sceau_trace::sha256(b"another invitation"));
    let invited = AccountDocument { invitation_hash, ..administrator.account.clone() };
    days.changed(admin, &invited).await.unwrap();
    let passkey = Authenticator::es256();
    let stolen = Person { account: invited.clone(), passkey };
    by_platform(&days.client(), &credential(invited.account, &stolen.passkey), None).await.unwrap();
    for person in [administrator, &stolen] {
        refused(days.approves(person, &asked).await, Code::SamePerson);
    }
}

#[tokio::test]
async fn nobody_is_the_second_person_of_whom_they_made() {
    let mut days = Days::begin().await;
    let organisation = days.house.organisation.id;
    let (client, chief) = (days.client(), &days.house.administrator);
    let other = days.chief().await;
    // An administrator makes no other one, whatever the platform carries; nor one out of a colleague.
    let puppet = account(Role::OrganisationAdmin, Some(organisation));
    refused(by_passkey(&client, chief, &puppet, None).await, Code::NotAuthorised);
    let officer = staff(&client, chief, Role::CaseOfficer, organisation).await;
    let raised = AccountDocument { role: Role::OrganisationAdmin, ..officer.account.clone() };
    refused(days.changed(chief, &raised).await, Code::NotAuthorised);
    let invitation_hash = Some(sceau_trace::sha256(b"mine"));
    let invited = AccountDocument { invitation_hash, ..other.account.clone() };
    refused(days.changed(chief, &invited).await, Code::NotAuthorised);
    let fallen = AccountDocument { role: Role::CaseOfficer, ..other.account.clone() };
    refused(days.changed(chief, &fallen).await, Code::NotAuthorised);
    // Where the platform's administrator raises whom one of them enrolled, the two are not two.
    days.changed(&days.house.admin, &raised).await.unwrap();
    drop(client);
    days.pass(DAY + 60_000).await;
    let chief = &days.house.administrator;
    let asked = days.asks(chief).await.unwrap();
    refused(days.approves(&officer, &asked).await, Code::SamePerson);
    let reverse = days.asks(&officer).await.unwrap();
    refused(days.approves(chief, &reverse).await, Code::SamePerson);
    days.approves(&other, &asked).await.unwrap();
    days.approves(&other, &reverse).await.unwrap();
}
