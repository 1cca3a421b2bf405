//! What bounds a datum's openings holds for everybody, and is counted where nobody can go back: in the log.

use std::net::IpAddr;

use sceau_element_api::Client;
use sceau_element_api::protect::{AskedOfDatum, Called};
use sceau_element_api::wire::Code;
use serde_json::{Value, json};

use super::caller::Protected;
use crate::house::{refused, shown};

async fn with_rules(house: &mut Protected, rules: Value) -> Called {
    let client = house.element.client.clone();
    let mut op = house.application.create();
    op["create"]["rules"] = rules;
    house.application.ask(&client, "alice", op).await.unwrap()
}

#[tokio::test]
async fn a_number_of_readings_is_counted_in_the_log_for_all_who_read() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let created = with_rules(&mut house, json!({"reads": 2})).await;
    let datum = created.datum;
    let to_bob = json!({"grant": {"datum": datum, "grant": {"to": {"user": "bob"}}}});
    house.application.ask(&client, "alice", to_bob).await.unwrap();
    let opening = house.application.opening(&created);
    house.application.ask(&client, "alice", opening.clone()).await.unwrap();
    refused(house.application.ask(&client, "eve", opening.clone()).await, Code::UserNotAuthorised);

    // A restart forgets none; what was refused was no reading.
    drop(client);
    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    house.application.ask(&client, "bob", opening.clone()).await.unwrap();
    let size = client.hello().await.unwrap().size;
    refused(house.application.ask(&client, "alice", opening.clone()).await, Code::ReadsSpent);
    let record = shown(&client, size).await;
    assert_eq!((record.action().as_str(), record.code()), ("datum.open", "reads_spent"));
    assert_eq!(record.actor().id, house.application.document.application.to_string());

    // Only its owner changes that, and a change does not begin the count anew.
    let more = json!({"set_rules": {"datum": datum, "rules": {"reads": 3}}});
    refused(house.application.ask(&client, "bob", more.clone()).await, Code::UserNotAuthorised);
    house.application.ask(&client, "alice", more).await.unwrap();
    house.application.ask(&client, "bob", opening.clone()).await.unwrap();
    refused(house.application.ask(&client, "bob", opening.clone()).await, Code::ReadsSpent);
    let none = json!({"set_rules": {"datum": datum, "rules": {}}});
    let changed = house.application.ask(&client, "alice", none).await.unwrap();
    assert_eq!(shown(&client, changed.index).await.action().as_str(), "datum.rules");
    house.application.ask(&client, "bob", opening).await.unwrap();
}

#[tokio::test]
async fn of_many_who_read_at_once_no_more_get_the_key_than_may() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let created = with_rules(&mut house, json!({"reads": 3})).await;
    let row = house.application.rows.get(&created.datum).cloned();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let call =
            house.application.sign(&house.application.claims("alice", house.application.opening(&created)));
        let asked = AskedOfDatum { call, address: None, row: row.clone() };
        let client = client.clone();
        asking.spawn(async move { client.protect(asked).await.is_ok() });
    }
    let granted = asking.join_all().await.into_iter().filter(|granted| *granted).count();
    assert_eq!(granted, 3);
}

#[tokio::test]
async fn a_key_goes_to_the_networks_of_its_rule_at_its_hours_the_owner_s_too() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let created = with_rules(&mut house, json!({"networks": ["198.51.100.0/24"]})).await;
    let row = house.application.rows.get(&created.datum).cloned();
    for (address, admitted) in [(Some("198.51.100.9"), true), (Some("192.0.2.7"), false), (None, false)] {
        let call =
            house.application.sign(&house.application.claims("alice", house.application.opening(&created)));
        let address: Option<IpAddr> = address.map(|address| address.parse().unwrap());
        let outcome = client.protect(AskedOfDatum { call, address, row: row.clone() }).await;
        match outcome {
            Ok(_) => assert!(admitted, "{address:?}"),
            outcome => {
                assert!(!admitted, "{address:?}");
                refused(outcome, Code::NetworkNotAllowed);
            }
        }
    }

    // Hours that begin in two and end in four are never now; the others always are.
    let now = super::caller::seconds() / 60;
    let time = |minutes: u64| format!("{:02}:{:02}", (now + minutes) / 60 % 24, (now + minutes) % 60);
    for (from, until, open) in [(120, 240, false), (240, 120, true)] {
        let rules = json!({"hours": {"from": time(from), "until": time(until)}});
        let created = with_rules(&mut house, rules).await;
        let opening = house.application.opening(&created);
        let outcome = house.application.ask(&client, "alice", opening).await;
        if open {
            house.application.data_key(&outcome.unwrap());
        } else {
            refused(outcome, Code::OutsideHours);
        }
    }
}

#[tokio::test]
async fn a_rule_that_is_none_is_refused_rather_than_ignored() {
    let mut house = Protected::begin().await;
    let client: Client = house.element.client.clone();
    let created = with_rules(&mut house, json!({})).await;
    for (rules, code) in [
        (json!({"second_person": true}), Code::Malformed),
        (json!({"networks": ["here"]}), Code::Malformed),
        (json!({"hours": {"from": "08:00", "until": "08:00"}}), Code::Malformed),
        (json!({"weekdays": true}), Code::Malformed),
    ] {
        let op = json!({"set_rules": {"datum": created.datum, "rules": rules}});
        refused(house.application.ask(&client, "alice", op).await, code);
    }
}
