//! Who asked for what of a datum is told to its owner, from the log itself, and to nobody else.

use sceau_element_api::protect::{Access, Called, Grantee};
use sceau_element_api::wire::Code;
use sceau_element_api::{CallError, Client};
use serde_json::{Value, json};

use super::caller::{Caller, Protected};
use crate::house::{by_passkey, refused, shown};

struct Stage {
    house: Protected,
    created: Called,
}

impl Stage {
    async fn set() -> Self {
        let mut house = Protected::begin().await;
        let client = house.element.client.clone();
        let op = house.application.create();
        let created = house.application.ask(&client, "alice", op).await.unwrap();
        Self { house, created }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    async fn ask(&mut self, user: &str, op: Value) -> Result<Called, CallError> {
        let client = self.client();
        self.house.application.ask(&client, user, op).await
    }

    async fn open(&mut self, user: &str) -> Result<Called, CallError> {
        let opening = self.house.application.opening(&self.created);
        self.ask(user, opening).await
    }

    fn listing(&self, more: Value) -> Value {
        let mut asked = json!({"datum": self.created.datum});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"accesses": asked})
    }

    async fn list(&mut self, more: Value) -> (Vec<Access>, Option<u64>) {
        let op = self.listing(more);
        let accesses = self.ask("alice", op).await.unwrap().accesses.unwrap();
        (accesses.list, accesses.next)
    }
}

fn said(list: &[Access]) -> Vec<(&str, &str, Option<&str>)> {
    list.iter().map(|it| (&*it.action, it.user.as_ref().unwrap().as_str(), it.refused.as_deref())).collect()
}

#[tokio::test]
async fn the_owner_sees_every_access_and_every_attempt_the_last_one_first() {
    let mut stage = Stage::set().await;
    stage.open("alice").await.unwrap();
    refused(stage.open("bob").await, Code::UserNotAuthorised);
    let to_nurses = json!({"grant": {"datum": stage.created.datum, "grant": {"to": {"group": "nurses"}}}});
    stage.ask("alice", to_nurses).await.unwrap();
    let (list, next) = stage.list(json!({})).await;
    let all = [
        ("datum.grant", "alice", None),
        ("datum.open", "bob", Some("user_not_authorised")),
        ("datum.open", "alice", None),
        ("datum.create", "alice", None),
    ];
    assert_eq!((said(&list).as_slice(), next), (all.as_slice(), None));
    assert_eq!(list[0].to, Some(Grantee::Group("nurses".parse().unwrap())));
    assert_eq!((list[1].address, &*list[1].signer), ("192.0.2.7".parse().ok(), "one"));
    // Each is the record at its index, which anybody has proven.
    for access in &list {
        let record = shown(&stage.client(), access.index).await;
        assert_eq!((record.action().as_str(), record.time()), (&*access.action, access.time));
    }

    // That it was listed is an access too; and they are told in parts.
    let (first, next) = stage.list(json!({"most": 2})).await;
    assert_eq!(said(&first), [("datum.accesses", "alice", None), all[0]]);
    let (rest, next) = stage.list(json!({"before": next, "most": 3})).await;
    assert_eq!((said(&rest).as_slice(), next), (&all[1..], None));
    assert_eq!(stage.list(json!({"before": rest[2].index})).await, (vec![], None));

    // A restart reads the same from the journal, and goes on from there.
    let before = stage.list(json!({})).await.0;
    stage.house.element = stage.house.element.restart().await;
    let (after, _) = stage.list(json!({})).await;
    assert_eq!(after[1..], before);
    assert_eq!(after[0].action, "datum.accesses");
}

#[tokio::test]
async fn nobody_else_sees_them_and_what_others_try_is_not_among_them() {
    let mut stage = Stage::set().await;
    let datum = stage.created.datum;
    let to_bob = json!({"grant": {"datum": datum, "grant": {"to": {"user": "bob"}}}});
    stage.ask("alice", to_bob).await.unwrap();
    let listing = stage.listing(json!({}));
    refused(stage.ask("bob", listing.clone()).await, Code::UserNotAuthorised);
    // An entry that is no call about this datum is no place to go on from: it would show another's.
    let other = stage.house.application.create();
    let other = stage.ask("carol", other).await.unwrap();
    for before in [0, other.index, u64::MAX] {
        let asked = stage.listing(json!({"before": before}));
        refused(stage.ask("alice", asked).await, Code::NotFound);
    }
    for most in [0, 101] {
        let asked = stage.listing(json!({"most": most}));
        refused(stage.ask("alice", asked).await, Code::Malformed);
    }

    // Another application of the organisation names the datum, under whatever user: it learns nothing, and leaves nothing there.
    let client = stage.client();
    let mut stranger = Caller::new(stage.house.organisation.id);
    by_passkey(&client, &stage.house.administrator, &stranger.document, None).await.unwrap();
    stranger.rows = stage.house.application.rows.clone();
    refused(stranger.ask(&client, "alice", listing).await, Code::DatumUnknown);
    let (list, _) = stage.list(json!({})).await;
    assert_eq!(
        said(&list),
        [
            ("datum.accesses", "alice", Some("not_found")),
            ("datum.accesses", "alice", Some("not_found")),
            ("datum.accesses", "alice", Some("not_found")),
            ("datum.accesses", "bob", Some("user_not_authorised")),
            ("datum.grant", "alice", None),
            ("datum.create", "alice", None),
        ]
    );
}
