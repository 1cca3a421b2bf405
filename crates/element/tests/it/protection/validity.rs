//! Until when a datum opens: a year unless said, and its owner moves that on, also when it is over.

use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::Called;
use sceau_element_api::wire::Code;
use sceau_element_api::{CallError, Client};
use serde_json::{Value, json};

use super::caller::{Caller, Protected, seconds};
use crate::house::{Element, Keeping, refused, shown};

const DAY: u64 = 24 * 3600;

fn document(called: &Called) -> Datum {
    Datum::parse(&called.changed.as_ref().unwrap().1.payload).unwrap().document
}

/// A call of a moment that is so many seconds ahead.
async fn ask_ahead(
    (application, client): (&mut Caller, &Client),
    ahead: u64,
    user: &str,
    op: Value,
) -> Result<Called, CallError> {
    let mut claims = application.claims(user, op);
    for time in ["iat", "exp"] {
        claims[time] = json!(claims[time].as_u64().unwrap() + ahead);
    }
    let call = application.sign(&claims);
    application.bring(client, call).await
}

#[tokio::test]
async fn a_key_lasts_a_year_unless_said_and_its_owner_gives_it_more() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice", op).await.unwrap();
    let key = application.data_key(&created);
    let said = document(&created);
    assert_eq!(said.expires, said.created + 365 * DAY * 1000);
    let grant = json!({"grant": {"datum": created.datum, "grant": {"to": {"user": "bob"}}}});
    application.ask(&client, "alice", grant).await.unwrap();
    let opening = application.opening(&created);
    drop(client);

    for (days, opens) in [(364, true), (366, false)] {
        let (folder, seed) = house.element.stop().await;
        let ahead = days * DAY;
        let keeping = Keeping { ahead: ahead * 1000, ..Keeping::in_files(2) };
        house.element = Element::resume_with(folder, seed, keeping);
        let client = house.element.client.clone();
        for user in ["alice", "bob"] {
            let opened = ask_ahead((&mut house.application, &client), ahead, user, opening.clone()).await;
            match opens {
                true => assert!(opened.is_ok(), "{user}"),
                false => refused(opened, Code::DatumExpired),
            }
        }
    }

    let ahead = 366 * DAY;
    let client = house.element.client.clone();
    let now = seconds() + ahead;
    let last = |time: u64| json!({"set_validity": {"datum": created.datum, "expires": time}});
    let of = (&mut house.application, &client);
    refused(ask_ahead((&mut *of.0, of.1), ahead, "bob", last(now + DAY)).await, Code::UserNotAuthorised);
    let renewed = ask_ahead((&mut *of.0, of.1), ahead, "alice", last(now + 400 * DAY)).await.unwrap();
    assert_eq!(document(&renewed).expires, (now + 400 * DAY) * 1000);
    let record = shown(&client, renewed.index).await;
    assert_eq!(record.action().as_str(), "datum.validity");
    for user in ["alice", "bob"] {
        let opened = ask_ahead((&mut *of.0, of.1), ahead, user, opening.clone()).await.unwrap();
        assert_eq!(of.0.data_key(&opened), key, "the same key as a year ago");
    }
    // And ends it before its time.
    ask_ahead((&mut *of.0, of.1), ahead, "alice", last(now - DAY)).await.unwrap();
    refused(ask_ahead((&mut *of.0, of.1), ahead, "alice", opening).await, Code::DatumExpired);
}

#[tokio::test]
async fn an_end_is_at_most_ten_years_ahead_and_what_is_not_said_stays() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let now = seconds();
    let years = |count: u64| now + count * 365 * DAY;
    let mut op = application.create();
    op["create"]["expires"] = json!(years(11));
    refused(application.ask(&client, "alice", op.clone()).await, Code::DocumentMalformed);
    op["create"]["expires"] = json!(years(10));
    op["create"]["valid_from"] = json!(now + 1000);
    let created = application.ask(&client, "alice", op).await.unwrap();
    let set = |times: Value| {
        let mut of = json!({"datum": created.datum});
        of.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        json!({"set_validity": of})
    };
    for (times, code) in [
        (json!({}), Code::Malformed),
        (json!({"expires": 1u64 << 53}), Code::Malformed),
        (json!({"expires": years(11)}), Code::DocumentMalformed),
        (json!({"expires": now - 1000}), Code::DocumentMalformed),
        (json!({"valid_until": now + 500}), Code::DocumentMalformed),
    ] {
        eprintln!("{times}");
        refused(application.ask(&client, "alice", set(times)).await, code);
    }
    let opening = application.opening(&created);
    let changed = application.ask(&client, "alice", set(json!({"expires": now + DAY}))).await.unwrap();
    let said = document(&changed);
    assert_eq!((said.expires, said.valid_from), ((now + DAY) * 1000, Some((now + 1000) * 1000)));
    refused(application.ask(&client, "alice", opening.clone()).await, Code::DatumNotValid);
    let window = json!({"valid_from": now - 1000, "valid_until": now + 1000});
    let said = document(&application.ask(&client, "alice", set(window)).await.unwrap());
    assert_eq!((said.expires, said.valid_until), ((now + DAY) * 1000, Some((now + 1000) * 1000)));
    application.ask(&client, "alice", opening).await.unwrap();
    application.ask(&client, "alice", json!({"erase": {"datum": created.datum}})).await.unwrap();
    let more = set(json!({"expires": now + DAY}));
    refused(application.ask(&client, "alice", more).await, Code::DatumErased);
}
