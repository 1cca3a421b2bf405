//! What is erased is gone, at once and for good; that it is, anybody can verify who has the log's key.

use sceau_element_api::documents::{Datum, DatumStatus, Document as _};
use sceau_element_api::protect::{Called, Erasure, ErasureError, NotCovered};
use sceau_element_api::wire::Code;
use sceau_element_api::{Client, Kind};
use sceau_trace::VerifierKey;
use serde_json::{Value, json};

use super::caller::{Caller, Protected};
use crate::house::{refused, shown};

pub(super) fn of(name: &str, created: &Called) -> Value {
    json!({name: {"datum": created.datum}})
}

pub(super) async fn log_key(client: &Client) -> VerifierKey {
    client.hello().await.unwrap().log_key.parse().unwrap()
}

/// The certificate as an outsider gets it: a file.
pub(super) async fn certificate(client: &Client, application: &mut Caller, of: &Called) -> Erasure {
    let op = self::of("erasure", of);
    let erasure = application.ask_mending(client, "alice", op).await.unwrap().erasure.unwrap();
    Erasure::parse(&serde_json::to_vec(&erasure).unwrap()).unwrap()
}

fn document(called: &Called) -> Datum {
    Datum::parse(&called.changed.as_ref().unwrap().1.payload).unwrap().document
}

#[tokio::test]
async fn an_erased_datum_is_refused_at_once_for_good_and_on_record() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice", op).await.unwrap();
    let to_bob = json!({"grant": {"datum": created.datum, "grant": {"to": {"user": "bob"}}}});
    application.ask(&client, "alice", to_bob.clone()).await.unwrap();
    let before = application.rows[&created.datum].clone();
    refused(application.ask(&client, "bob", of("erase", &created)).await, Code::UserNotAuthorised);
    refused(application.ask(&client, "alice", of("erasure", &created)).await, Code::NotFound);

    let bounds = json!({"set_rules": {"datum": created.datum, "rules": {"networks": ["192.0.2.0/24"]}}});
    let full = document(&application.ask(&client, "alice", bounds).await.unwrap());
    let erased = application.ask(&client, "alice", of("erase", &created)).await.unwrap();
    let said = document(&erased);
    assert_eq!((said.status, said.erased.unwrap().epoch), (DatumStatus::Erased, 1));
    assert_eq!((full.name.as_str(), full.tags.len(), full.grants.len()), ("Ordonnance", 1, 1));
    let forgotten = (said.name.as_str(), said.tags.len(), said.grants.len(), &said.rules);
    assert_eq!(forgotten, ("", 0, 0, &None), "what it was called and who could open it are forgotten");
    assert_eq!((said.id, said.application, &said.owner), (full.id, full.application, &full.owner));
    assert_eq!((said.created, said.expires), (full.created, full.expires));
    let (_, kept) = client.kept(Kind::Datum, created.datum).await.unwrap().unwrap();
    for text in ["Ordonnance", "\"bob\"", "192.0.2"] {
        let shows = |row: &[u8]| String::from_utf8_lossy(row).contains(text);
        assert!(shows(&before.payload) || text == "192.0.2");
        assert!(!shows(&kept.payload) && !shows(&application.rows[&created.datum].payload), "{text}");
    }
    assert!(application.rows[&created.datum].salt.is_empty());
    let record = shown(&client, erased.index).await;
    assert_eq!((record.action().as_str(), &*record.detail()["epoch"]), ("datum.erase", "1"));

    let opening = application.opening(&created);
    for (user, op, code) in [
        ("alice", opening.clone(), Code::DatumErased),
        ("bob", opening.clone(), Code::UserNotAuthorised),
        ("eve", opening.clone(), Code::UserNotAuthorised),
        ("alice", to_bob, Code::DatumErased),
        ("alice", of("activate", &created), Code::DatumErased),
        ("alice", of("deactivate", &created), Code::DatumErased),
        ("alice", json!({"set_rules": {"datum": created.datum, "rules": {}}}), Code::DatumErased),
        ("alice", json!({"revoke": {"datum": created.datum, "to": {"user": "bob"}}}), Code::DatumErased),
    ] {
        refused(application.ask(&client, user, op).await, code);
    }
    refused(application.ask(&client, "bob", of("describe", &created)).await, Code::UserNotAuthorised);
    application.ask(&client, "alice", of("describe", &created)).await.unwrap();
    let listed = application.ask(&client, "alice", of("accesses", &created)).await.unwrap();
    let codes: Vec<_> = listed.accesses.unwrap().list.into_iter().filter_map(|one| one.refused).collect();
    assert_eq!(codes.iter().filter(|code| *code == "datum_erased").count(), 6);
    // Once more is no error, and changes nothing.
    assert!(application.ask(&client, "alice", of("erase", &created)).await.unwrap().changed.is_none());

    // The database puts the old row with its salt back.
    application.rows.insert(created.datum, before.clone());
    refused(application.ask(&client, "alice", opening.clone()).await, Code::RowAltered);
    let (_, kept) = client.kept(Kind::Datum, created.datum).await.unwrap().unwrap();
    assert!(kept.salt.is_empty());
    // Or that salt beside the row that is current.
    application.rows.insert(created.datum, sceau_element_api::protect::KeptRow { salt: before.salt, ..kept });
    refused(application.ask(&client, "alice", opening).await, Code::DatumErased);
}

#[tokio::test]
async fn a_certificate_says_what_the_log_has_and_holds_for_whoever_has_its_key() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice", op.clone()).await.unwrap();
    let other = application.ask(&client, "alice", op).await.unwrap();
    let erased = application.ask(&client, "alice", of("erase", &created)).await.unwrap();
    application.ask(&client, "alice", of("erase", &other)).await.unwrap();
    let before = certificate(&client, application, &created).await;
    let key = log_key(&client).await;
    assert_eq!((before.destroyed, before.epoch, before.erased.index), (None, 1, erased.index));
    assert_eq!(before.due, Some(before.erased.time + 30 * 24 * 3600 * 1000));
    assert_eq!(before.not_covered, [NotCovered::KeysHandedOut, NotCovered::KeystoreCopies]);
    assert!(before.clone().verify(Some(&key)).unwrap().key_pinned);
    let text = serde_json::to_string(&before).unwrap();
    let alice = sceau_element_api::Base64Url(b"alice".to_vec()).encode();
    assert!(text.contains(&created.datum.to_string()) && !text.contains(&alice), "it names no person");
    drop(client);

    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let after = certificate(&client, application, &created).await;
    let destroyed = after.destroyed.unwrap();
    assert!(destroyed.index > erased.index && after.evidence.len() == 2);
    assert!(after.clone().verify(Some(&key)).unwrap().key_pinned);
    let of_other = certificate(&client, application, &other).await;
    let stranger = VerifierKey::new("sceau.test/log", sceau_trace::KeyKind::Ed25519, [7; 32]).unwrap();
    assert!(matches!(after.clone().verify(Some(&stranger)), Err(ErasureError::Evidence(_))));
    let changes: [fn(&mut Erasure, &Erasure); 15] = [
        |it, other| it.datum = other.datum,
        |it, other| it.evidence[0] = other.evidence[0].clone(),
        |it, _| it.evidence[1] = it.evidence[0].clone(),
        |it, _| it.evidence.swap(0, 1),
        |it, _| drop(it.evidence.pop()),
        |it, _| it.destroyed = None,
        |it, _| it.epoch = 2,
        |it, _| it.destroyed.as_mut().unwrap().time -= 1,
        |it, _| it.application = sceau_element_api::ApplicationId::random(),
        |it, _| it.due = it.due.map(|due| due + 1),
        |it, _| it.due = None,
        |it, _| it.not_covered = vec![],
        |it, _| it.not_covered = vec![NotCovered::KeysHandedOut],
        |it, _| it.not_covered = vec![NotCovered::KeystoreCopies],
        |it, _| it.not_covered = vec![NotCovered::KeysHandedOut, NotCovered::TokenBackups],
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut altered = after.clone();
        change(&mut altered, &of_other);
        assert!(altered.verify(Some(&key)).is_err(), "change {at}");
    }
}
