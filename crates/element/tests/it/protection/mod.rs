//! Applications protect data: each datum has its key, and who may have it is the element's to say.

mod accesses;
mod acts;
mod approvers;
pub(crate) mod caller;
mod content_key;
pub(crate) mod contents;
pub(crate) mod epochs;
mod erasure;
mod flooded;
mod foreign_tokens;
mod forgetting;
mod hostile;
mod many;
mod observed;
mod officers;
mod older_calls;
mod proven;
mod rules;
mod second_person;
mod slow_signatures;
mod tokens;
mod users;
mod validity;
mod versions;
mod witnessed;

use sceau_element::{SignerError, StartError};
use sceau_element_api::documents::{ApplicationStatus, Document as _, KeyStanding};
use sceau_element_api::protect::{Called, KeptRow};
use sceau_element_api::wire::Code;
use sceau_element_api::{Client, Kind, Role};
use sceau_trace::{ActorKind, Asserted, Outcome};
use serde_json::json;

use crate::house::{Element, by_passkey, by_platform, current, organisation, refused, shown, staff};
use caller::{Caller, Protected, key_of};

#[tokio::test]
async fn a_data_key_comes_back_for_whom_it_is_and_every_call_is_recorded() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice@example.org", op).await.unwrap();
    let key = application.data_key(&created);
    let opening = application.opening(&created);
    let opened = application.ask(&client, "alice@example.org", opening.clone()).await.unwrap();
    assert_eq!(application.data_key(&opened), key, "the same key, from what travelled");
    assert!(opened.changed.is_none());

    refused(application.ask(&client, "bob@example.org", opening.clone()).await, Code::UserNotAuthorised);
    let grant = |to: serde_json::Value| json!({"grant": {"datum": created.datum, "grant": {"to": to}}});
    let to_bob = grant(json!({"user": "bob@example.org"}));
    refused(application.ask(&client, "bob@example.org", to_bob.clone()).await, Code::UserNotAuthorised);
    application.ask(&client, "alice@example.org", to_bob).await.unwrap();
    let opened = application.ask(&client, "bob@example.org", opening.clone()).await.unwrap();
    assert_eq!(application.data_key(&opened), key);

    let record = shown(&client, opened.index).await;
    assert_eq!(record.action().as_str(), "datum.open");
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Application, Asserted::Application));
    assert_eq!(record.actor().id, application.document.application.to_string());
    assert_eq!(record.outcome(), Outcome::Granted);
    assert_eq!(record.detail()["signer"], "one");
    let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).unwrap().id.clone();
    assert_eq!(subject("datum"), created.datum.to_string());
    let text = |kind: &str| {
        String::from_utf8(sceau_element_api::Base64Url::decode(&subject(kind)).unwrap().0).unwrap()
    };
    assert_eq!((text("user").as_str(), text("address").as_str()), ("bob@example.org", "192.0.2.7"));

    // The log itself shows neither of them, nor which datum; and the refusals are there too.
    let size = client.hello().await.unwrap().size;
    let entries = client.entries(0, size).await.unwrap();
    let log: String = entries.iter().map(|entry| String::from_utf8(entry.clone()).unwrap()).collect();
    for hidden in [subject("datum"), subject("user"), subject("address"), "example.org".into()] {
        assert!(!log.contains(&hidden), "{hidden}");
    }
    assert_eq!(log.matches("user_not_authorised").count(), 2);
}

#[tokio::test]
async fn authorisations_and_keys_are_switched_off_and_on_and_removed() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice", op).await.unwrap();
    let opening = application.opening(&created);
    let of = |name: &str| json!({name: {"datum": created.datum}});
    let staff = json!({"group": "nurses"});
    let to_staff = |name: &str| json!({name: {"datum": created.datum, "to": staff}});
    let as_nurse = |application: &Caller| {
        let mut claims = application.claims("bob", opening.clone());
        claims["groups"] = json!(["nurses"]);
        application.sign(&claims)
    };
    let given = json!({"grant": {"datum": created.datum, "grant": {"to": staff}}});
    application.ask(&client, "alice", given).await.unwrap();
    let call = as_nurse(application);
    application.bring(&client, call).await.unwrap();
    for (act, code) in [
        (to_staff("deactivate_grant"), Some(Code::UserNotAuthorised)),
        (to_staff("activate_grant"), None),
        (of("deactivate"), Some(Code::DatumInactive)),
        (of("deactivate"), Some(Code::DatumInactive)),
        (of("activate"), None),
        (to_staff("revoke"), Some(Code::UserNotAuthorised)),
    ] {
        application.ask(&client, "alice", act.clone()).await.unwrap();
        let call = as_nurse(application);
        match (application.bring(&client, call).await, code) {
            (outcome, Some(code)) => refused(outcome, code),
            (outcome, None) => assert!(outcome.is_ok(), "{act}"),
        }
    }
    refused(application.ask(&client, "alice", to_staff("revoke")).await, Code::GrantUnknown);
    let described = application.ask(&client, "alice", of("describe")).await.unwrap();
    assert!(described.changed.is_none());
    assert_eq!(shown(&client, described.index).await.action().as_str(), "datum.describe");
}

#[tokio::test]
async fn a_datum_is_had_in_its_window_and_until_it_expires() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let now = caller::seconds();
    for (name, time, code) in
        [("valid_from", now + 1000, Code::DatumNotValid), ("valid_until", now - 1000, Code::DatumNotValid)]
    {
        let mut op = application.create();
        op["create"][name] = json!(time);
        let created = application.ask(&client, "alice", op).await.unwrap();
        let opening = application.opening(&created);
        refused(application.ask(&client, "alice", opening).await, code);
    }
    let mut op = application.create();
    op["create"]["expires"] = json!(now - 1000);
    refused(application.ask(&client, "alice", op).await, Code::DocumentMalformed);
}

#[tokio::test]
async fn what_the_database_lost_is_read_back_and_survives_a_restart() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let op = house.application.create();
    let created = house.application.ask(&client, "alice", op).await.unwrap();
    let key = house.application.data_key(&created);
    drop(client);
    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let kept = application.rows.remove(&created.datum).unwrap();
    let opening = application.opening(&created);
    let call = application.sign(&application.claims("alice", opening.clone()));
    refused(application.bring(&client, call.clone()).await, Code::RowAltered);
    let (row, repaired) = client.kept(Kind::Datum, created.datum).await.unwrap().unwrap();
    assert_eq!((row.index, &repaired), (created.index, &kept));
    application.rows.insert(created.datum, repaired);
    // The same call: it was not the application's fault.
    let opened = application.bring(&client, call).await.unwrap();
    assert_eq!(application.data_key(&opened), key);
    let id = application.document.application;
    let (_, kept) = client.kept(Kind::Application, id).await.unwrap().unwrap();
    assert_eq!(kept.payload.0, application.document.to_bytes().unwrap());
}

#[tokio::test]
async fn an_application_is_its_organisations_and_its_keys_keep_their_names() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let document = application.document.clone();
    let before = current(&client, Kind::Application, document.application).await;
    refused(by_platform(&client, &document, before).await, Code::ProofRequired);
    refused(by_passkey(&client, &house.admin, &document, before).await, Code::NotAuthorised);
    let other = organisation(&client, &house.admin).await;
    let stranger = staff(&client, &house.admin, Role::OrganisationAdmin, other.id).await;
    refused(by_passkey(&client, &stranger, &document, before).await, Code::NotAuthorised);
    let mut taken = document.clone();
    taken.organisation = other.id;
    refused(by_passkey(&client, &stranger, &taken, before).await, Code::FieldFixed);
    let mut renamed = document.clone();
    renamed.keys = vec![key_of("one", &sceau_crypto::SigningKey::generate())];
    refused(by_passkey(&client, &house.administrator, &renamed, before).await, Code::FieldFixed);

    let mut ended = document.clone();
    ended.keys[0].status = KeyStanding::Ended;
    let second = sceau_crypto::SigningKey::generate();
    ended.keys.push(key_of("two", &second));
    let row = by_passkey(&client, &house.administrator, &ended, before).await.unwrap();
    let op = application.create();
    refused(application.ask(&client, "alice", op.clone()).await, Code::ProofInvalid);
    refused(
        by_passkey(&client, &house.administrator, &document, Some(row.version())).await,
        Code::FieldFixed,
    );
    let header = json!({"alg": "EdDSA", "kid": "two", "typ": "sceau-protect-call"});
    let call = caller::sign(&second, &header, &application.claims("alice", op.clone()));
    application.bring(&client, call).await.unwrap();

    let mut inactive = ended.clone();
    inactive.status = ApplicationStatus::Inactive;
    by_passkey(&client, &house.administrator, &inactive, Some(row.version())).await.unwrap();
    let call = caller::sign(&second, &header, &application.claims("alice", op));
    refused(application.bring(&client, call).await, Code::ApplicationUnknown);
}

/// Neither organisation's application gets the other's datum, nor opens one by the other's salt or wrapped key, whatever its database brings.
async fn cannot_cross(client: &Client, ours: (&mut Caller, &Called), theirs: (&mut Caller, &Called)) {
    let rows = [(&*ours.0, ours.1), (&*theirs.0, theirs.1)].map(|(of, datum)| of.rows[&datum.datum].clone());
    let both = [(ours.0, ours.1, theirs.1), (theirs.0, theirs.1, ours.1)];
    for ((application, own, foreign), (row, foreign_row)) in
        both.into_iter().zip([(rows[0].clone(), rows[1].clone()), (rows[1].clone(), rows[0].clone())])
    {
        application.rows.insert(foreign.datum, foreign_row.clone());
        let opening = application.opening(foreign);
        refused(application.ask(client, "alice", opening).await, Code::DatumUnknown);
        let erasing = json!({"erase": {"datum": foreign.datum}});
        refused(application.ask(client, "alice", erasing).await, Code::DatumUnknown);
        application.rows.remove(&foreign.datum);
        // The other's wrapped key under its own datum; then the other's salt, and the whole other row, in the place of its own.
        let mut opening = application.opening(own);
        opening["open"]["wrapped_key"] = json!(foreign.wrapped_key);
        refused(application.ask(client, "alice", opening).await, Code::WrappedKeyInvalid);
        for planted in [KeptRow { salt: foreign_row.salt.clone(), ..row.clone() }, foreign_row] {
            application.rows.insert(own.datum, planted);
            let opening = application.opening(own);
            refused(application.ask(client, "alice", opening).await, Code::RowAltered);
        }
        application.rows.insert(own.datum, row);
        let opening = application.opening(own);
        application.ask(client, "alice", opening).await.unwrap();
    }
}

#[tokio::test]
async fn organisations_have_masters_of_their_own_and_no_more_than_there_are_keys() {
    let mut house = Protected::begin().await;
    let connected = house.element.client.clone();
    let client = &connected;
    let op = house.application.create();
    let ours = house.application.ask(client, "alice", op).await.unwrap();
    for (number, expected) in [(2, true), (3, false)] {
        let other = organisation(client, &house.admin).await;
        let administrator = staff(client, &house.admin, Role::OrganisationAdmin, other.id).await;
        let mut application = Caller::new(other.id);
        let attested = by_passkey(client, &administrator, &application.document, None).await;
        if !expected {
            refused(attested, Code::NoTenantLeft);
            continue;
        }
        attested.unwrap();
        let op = application.create();
        let theirs = application.ask(client, "alice", op).await.unwrap();
        cannot_cross(client, (&mut house.application, &ours), (&mut application, &theirs)).await;
        assert!(house.element.folder.path().join(format!("keys/keys/protect-master-{number}.key")).exists());
    }
    drop(connected);
    // A master that is gone is not made anew: another would not open what it protected.
    let (folder, seed) = house.element.stop().await;
    std::fs::remove_file(folder.path().join("keys/keys/protect-master-2.key")).unwrap();
    let started = crate::house::run_for(folder.path(), seed, None, 2);
    assert!(matches!(started, Err(StartError::Signer(SignerError::Protection(_)))));
    // Without the option, nothing of this is reachable.
    let element = Element::begin();
    let admin = crate::house::platform_admin(&element.client).await;
    let organisation = organisation(&element.client, &admin).await;
    let administrator = staff(&element.client, &admin, Role::OrganisationAdmin, organisation.id).await;
    let mut application = Caller::new(organisation.id);
    let attested = by_passkey(&element.client, &administrator, &application.document, None).await;
    refused(attested, Code::KindNotServed);
    let op = application.create();
    refused(application.ask(&element.client, "alice", op).await, Code::KindNotServed);
}
