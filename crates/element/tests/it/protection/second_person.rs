//! Where the rules of a datum ask for a second person, each opening takes the agreement of another user: of this datum as it is, for this user, once, in time.

use sceau_element_api::protect::{Called, Grantee};
use sceau_element_api::wire::Code;
use sceau_element_api::{CallError, Client};
use serde_json::{Value, json};

use super::caller::{Protected, seconds};
use crate::house::{Keeping, refused, shown};

struct Stage {
    house: Protected,
    created: Called,
}

impl Stage {
    async fn set() -> Self {
        Self::bounded(json!({"second_person": {"within_minutes": 10}})).await
    }

    async fn bounded(rules: Value) -> Self {
        let mut house = Protected::begin().await;
        let client = house.element.client.clone();
        let mut op = house.application.create();
        op["create"]["rules"] = rules;
        op["create"]["grants"] = json!([{"to": {"user": "bob"}}, {"to": {"group": "nurses"}}]);
        let created = house.application.ask(&client, "alice", op).await.unwrap();
        Self { house, created }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    /// A call of a user with groups, so many seconds from now.
    async fn call(&mut self, who: (&str, &[&str]), op: Value, later: u64) -> Result<Called, CallError> {
        let client = self.client();
        let mut claims = self.house.application.claims(who.0, op);
        claims["groups"] = json!(who.1);
        claims["iat"] = json!(seconds() + later);
        claims["exp"] = json!(seconds() + later + 120);
        let call = self.house.application.sign(&claims);
        self.house.application.bring(&client, call).await
    }

    fn agreement(&self, to: &str) -> Value {
        json!({"agree": {"datum": self.created.datum, "to": {"user": to}}})
    }

    async fn agree(&mut self, by: &str, to: &str) -> Result<Called, CallError> {
        let op = self.agreement(to);
        self.call((by, &[]), op, 0).await
    }

    async fn open(&mut self, user: &str) -> Result<Called, CallError> {
        let opening = self.house.application.opening(&self.created);
        self.call((user, &[]), opening, 0).await
    }

    async fn restart(&mut self, ahead: u64) {
        self.house.element.restart_with(Keeping { ahead, ..Keeping::in_files(2) }).await;
    }
}

#[tokio::test]
async fn an_opening_takes_the_agreement_of_another_user_once() {
    let mut stage = Stage::bounded(json!({"second_person": {"within_minutes": 10}, "reads": 2})).await;
    for user in ["alice", "bob"] {
        refused(stage.open(user).await, Code::SecondPersonNeeded);
    }
    let agreed = stage.agree("bob", "alice").await.unwrap();
    refused(stage.open("bob").await, Code::SecondPersonNeeded);
    let opened = stage.open("alice").await.unwrap();
    assert_eq!(stage.house.application.data_key(&opened).key.len(), 32);
    refused(stage.open("alice").await, Code::SecondPersonNeeded);
    let record = shown(&stage.client(), opened.index).await;
    assert_eq!(record.detail()["agreement"], agreed.index.to_string());
    assert_eq!(shown(&stage.client(), agreed.index).await.action().as_str(), "datum.agree");
    // The owner agrees to another's, and one by a group to the owner's. What was refused was no opening: these are two in all.
    stage.agree("alice", "bob").await.unwrap();
    stage.open("bob").await.unwrap();
    let op = stage.agreement("alice");
    stage.call(("carol", &["nurses"]), op, 0).await.unwrap();
    refused(stage.open("alice").await, Code::ReadsSpent);
    let op = json!({"accesses": {"datum": stage.created.datum}});
    let list = stage.call(("alice", &[]), op, 0).await.unwrap().accesses.unwrap().list;
    let said: Vec<_> =
        list.iter().filter(|one| one.action == "datum.agree").map(|one| one.to.clone()).collect();
    let user = |name: &str| Some(Grantee::User(name.parse().unwrap()));
    assert_eq!(said, [user("alice"), user("bob"), user("alice")]);
}

#[tokio::test]
async fn who_opens_is_not_the_second_person_and_who_may_not_open_is_none() {
    let mut stage = Stage::set().await;
    refused(stage.agree("alice", "alice").await, Code::SamePerson);
    // Bob under another group is bob.
    let op = stage.agreement("bob");
    for groups in [&["nurses"][..], &["doctors", "nurses"], &["alice"]] {
        refused(stage.call(("bob", groups), op.clone(), 0).await, Code::SamePerson);
    }
    let opening = stage.house.application.opening(&stage.created);
    refused(stage.call(("bob", &["nurses"]), opening, 0).await, Code::SecondPersonNeeded);
    refused(stage.agree("eve", "alice").await, Code::UserNotAuthorised);
    let to_group = json!({"agree": {"datum": stage.created.datum, "to": {"group": "nurses"}}});
    refused(stage.call(("bob", &[]), to_group, 0).await, Code::Malformed);
    // Who has no authorisation has none by an agreement.
    stage.agree("bob", "eve").await.unwrap();
    refused(stage.open("eve").await, Code::UserNotAuthorised);
    refused(stage.open("alice").await, Code::SecondPersonNeeded);
}

#[tokio::test]
async fn an_agreement_is_about_one_datum_as_it_is() {
    let mut stage = Stage::set().await;
    let client = stage.client();
    let mut op = stage.house.application.create();
    op["create"]["rules"] = json!({"second_person": {"within_minutes": 1440}});
    let other = stage.house.application.ask(&client, "alice", op).await.unwrap();
    stage.agree("bob", "alice").await.unwrap();
    let opening = stage.house.application.opening(&other);
    refused(stage.house.application.ask(&client, "alice", opening).await, Code::SecondPersonNeeded);
    let datum = stage.created.datum;
    for change in [
        json!({"set_rules": {"datum": datum, "rules": {"second_person": {"within_minutes": 1}}}}),
        json!({"grant": {"datum": datum, "grant": {"to": {"user": "carol"}}}}),
    ] {
        stage.agree("bob", "alice").await.unwrap();
        stage.call(("alice", &[]), change, 0).await.unwrap();
        refused(stage.open("alice").await, Code::SecondPersonNeeded);
    }
    stage.agree("bob", "alice").await.unwrap();
    stage.open("alice").await.unwrap();
    // Without the rule, there is nothing to agree to, and nobody need.
    stage.call(("alice", &[]), json!({"set_rules": {"datum": datum, "rules": {}}}), 0).await.unwrap();
    refused(stage.agree("bob", "alice").await, Code::NotFound);
    stage.open("alice").await.unwrap();
    stage.call(("alice", &[]), json!({"deactivate": {"datum": datum}}), 0).await.unwrap();
    for user in ["alice", "bob"] {
        refused(stage.agree(user, "carol").await, Code::DatumInactive);
    }
}

#[tokio::test]
async fn what_was_agreed_and_used_survives_a_restart_and_ends_in_time() {
    let mut stage = Stage::set().await;
    let before = stage.house.application.rows.clone();
    stage.agree("bob", "alice").await.unwrap();
    stage.agree("alice", "bob").await.unwrap();
    stage.open("alice").await.unwrap();
    stage.restart(0).await;
    // A database that brings an old row, which is the current one, changes nothing.
    stage.house.application.rows = before;
    refused(stage.open("alice").await, Code::SecondPersonNeeded);
    stage.open("bob").await.unwrap();
    refused(stage.open("bob").await, Code::SecondPersonNeeded);
    stage.agree("bob", "alice").await.unwrap();
    // Nine minutes later it is good still, at ten it is over.
    stage.restart(9 * 60_000).await;
    let opening = stage.house.application.opening(&stage.created);
    stage.call(("alice", &[]), opening.clone(), 9 * 60).await.unwrap();
    let op = stage.agreement("alice");
    stage.call(("bob", &[]), op, 9 * 60).await.unwrap();
    stage.restart(19 * 60_000).await;
    refused(stage.call(("alice", &[]), opening, 19 * 60).await, Code::SecondPersonNeeded);
}

#[tokio::test]
async fn agreements_are_bounded_and_a_call_is_good_once() {
    let mut stage = Stage::set().await;
    let client = stage.client();
    let claims = stage.house.application.claims("bob", stage.agreement("alice"));
    let call = stage.house.application.sign(&claims);
    stage.house.application.bring(&client, call.clone()).await.unwrap();
    refused(stage.house.application.bring(&client, call).await, Code::CallReplayed);
    stage.open("alice").await.unwrap();
    refused(stage.open("alice").await, Code::SecondPersonNeeded);
    // One user who agrees to anybody keeps no other from agreeing, and who agrees again does so once.
    for to in ["carol", "dan", "eve", "frank", "frank", "carol"] {
        stage.agree("bob", to).await.unwrap();
    }
    refused(stage.agree("bob", "alice").await, Code::Busy);
    let first = stage.agree("alice", "bob").await.unwrap();
    drop(client);
    stage.restart(0).await;
    refused(stage.agree("bob", "alice").await, Code::Busy);
    let again = stage.agree("alice", "bob").await.unwrap();
    let record = shown(&stage.client(), again.index).await;
    assert_eq!(record.detail()["replaces"], first.index.to_string());
    stage.restart(0).await;
    stage.open("bob").await.unwrap();
    refused(stage.open("bob").await, Code::SecondPersonNeeded);
    let client = stage.client();
    for minutes in [json!(0), json!(1441), json!(true)] {
        let mut op = stage.house.application.create();
        op["create"]["rules"] = json!({"second_person": {"within_minutes": minutes}});
        refused(stage.house.application.ask(&client, "alice", op).await, Code::Malformed);
    }
}
