//! What a keyfront, a database and a stranger try.

use aws_lc_rs::{hmac, rand};
use sceau_crypto::SigningKey;
use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, Kind};
use serde_json::{Value, json};

use super::caller::{Caller, Protected, seconds, sign};
use crate::house::{Element, Keeping, by_passkey, by_platform, current, refused};

fn header(alg: &str) -> Value {
    json!({"alg": alg, "kid": "one", "typ": "sceau-protect-call"})
}

#[tokio::test]
async fn a_call_is_signed_by_a_key_of_its_application_or_refused() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let other = Caller::new(house.organisation.id);
    by_passkey(&client, &house.administrator, &other.document, None).await.unwrap();
    let application = &mut house.application;
    let claims = application.claims("alice", application.create());
    let input = |header: &Value| {
        let part = |value: &Value| Base64Url(value.to_string().into_bytes()).encode();
        format!("{}.{}", part(header), part(&claims))
    };
    let none = format!("{}.", input(&header("none")));
    let shared = hmac::Key::new(hmac::HMAC_SHA256, application.key.verifying_key().as_bytes());
    let with_public_key = input(&header("HS256"));
    let tag = hmac::sign(&shared, with_public_key.as_bytes());
    let with_public_key = format!("{with_public_key}.{}", Base64Url(tag.as_ref().to_vec()).encode());
    let foreign = sign(&other.key, &header("EdDSA"), &claims);
    let unnamed = sign(&application.key, &json!({"alg": "EdDSA", "typ": "sceau-protect-call"}), &claims);
    let other_typ = sign(&application.key, &json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"}), &claims);
    let no_typ = sign(&application.key, &json!({"alg": "EdDSA", "kid": "one"}), &claims);
    let mut stretched = header("EdDSA");
    stretched["crit"] = json!(["b64"]);
    let critical = sign(&application.key, &stretched, &claims);
    let brought = SigningKey::generate();
    let mut own_key = header("EdDSA");
    own_key["jwk"] = json!({"kty": "OKP", "crv": "Ed25519",
        "x": Base64Url(brought.verifying_key().as_bytes().to_vec()).encode()});
    let brings_its_key = sign(&brought, &own_key, &claims);
    let mut altered = application.sign(&claims).into_bytes();
    let last = altered.len() - 3;
    altered[last] = if altered[last] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    for (name, call) in [
        ("none", none),
        ("HS256 with the public key", with_public_key),
        ("a key of another application", foreign),
        ("no kid", unnamed),
        ("another typ", other_typ),
        ("no typ", no_typ),
        ("crit", critical),
        ("its own key", brings_its_key),
        ("altered", altered),
        ("empty", String::new()),
        ("long", "a".repeat(100_000)),
    ] {
        eprintln!("{name}");
        refused(application.bring(&client, call).await, Code::ProofInvalid);
    }
    let call = application.sign(&claims);
    assert!(application.bring(&client, call).await.is_ok(), "none of these used the call up");
}

#[tokio::test]
async fn a_call_says_what_it_must_and_nothing_else() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let now = seconds();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    for (member, value, code) in [
        ("aud", json!("other.test/log"), Code::CallElsewhere),
        ("iss", json!(sceau_element_api::ApplicationId::random()), Code::ApplicationUnknown),
        ("iss", json!("me"), Code::Malformed),
        ("jti", json!("short"), Code::Malformed),
        ("sub", json!(""), Code::Malformed),
        ("sub", json!("a".repeat(97)), Code::Malformed),
        ("exp", json!(now + 301), Code::Malformed),
        ("exp", json!(now), Code::Malformed),
        ("exp", json!(1.5), Code::Malformed),
        ("admin", json!(true), Code::Malformed),
        ("op", json!({"erase_all": {}}), Code::Malformed),
        ("op", deep, Code::Malformed),
        ("groups", json!(vec!["g"; 65]), Code::Malformed),
        ("groups", json!(vec!["g".repeat(90); 400]), Code::Malformed),
    ] {
        let mut claims = application.claims("alice", application.create());
        claims["iat"] = json!(now);
        claims[member] = value;
        let call = application.sign(&claims);
        eprintln!("{member}");
        refused(application.bring(&client, call).await, code);
    }
    // Clocks may be a minute apart: the exact second is held in the API's own tests, which need no clock.
    for (iat, code) in [
        (now - 400, Some(Code::CallExpired)),
        (now - 182, Some(Code::CallExpired)),
        (now - 165, None),
        (now + 55, None),
        (now + 90, Some(Code::CallEarly)),
    ] {
        let mut claims = application.claims("alice", application.create());
        claims["iat"] = json!(iat);
        claims["exp"] = json!(iat + 120);
        let call = application.sign(&claims);
        match (application.bring(&client, call).await, code) {
            (outcome, Some(code)) => refused(outcome, code),
            (outcome, None) => assert!(outcome.is_ok(), "{}", iat.abs_diff(now)),
        }
    }
    for session in [
        json!({"alg": "ECDH-ES", "jwk": {"kty": "OKP", "crv": "X25519", "x": "AAAA"}}),
        json!({"alg": "RSA1_5", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}),
        json!({"alg": "dir", "jwk": {"kty": "OKP", "crv": "X25519", "x": Base64Url(vec![9; 32]).encode()}}),
    ] {
        let op = json!({"create": {"session": session}});
        refused(application.ask(&client, "alice", op).await, Code::SessionKeyInvalid);
    }
}

#[tokio::test]
async fn a_call_is_good_once_also_after_a_restart() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let created = application.ask(&client, "alice", op).await.unwrap();
    let opening = application.opening(&created);
    let granted = application.sign(&application.claims("alice", opening.clone()));
    let denied = application.sign(&application.claims("bob", opening));
    application.bring(&client, granted.clone()).await.unwrap();
    refused(application.bring(&client, denied.clone()).await, Code::UserNotAuthorised);
    for call in [&granted, &denied] {
        refused(application.bring(&client, call.clone()).await, Code::CallReplayed);
    }
    // What was refused once stays so, although it would be granted by now.
    let grant = json!({"grant": {"datum": created.datum, "grant": {"to": {"user": "bob"}}}});
    application.ask(&client, "alice", grant).await.unwrap();
    drop(client);
    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    for call in [granted, denied] {
        refused(house.application.bring(&client, call).await, Code::CallReplayed);
    }
}

#[tokio::test]
async fn a_call_that_ended_is_known_while_the_clocks_may_be_apart() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let claims = house.application.claims("alice", house.application.create());
    let call = house.application.sign(&claims);
    house.application.bring(&client, call.clone()).await.unwrap();
    drop(client);
    // It is good for 120 seconds, and 60 more of another clock.
    for (ahead, code) in [(140, Code::CallReplayed), (181, Code::CallExpired)] {
        let (folder, seed) = house.element.stop().await;
        let keeping = Keeping { ahead: ahead * 1000, ..Keeping::in_files(2) };
        house.element = Element::resume_with(folder, seed, keeping);
        let client = house.element.client.clone();
        // Another call is taken meanwhile, which is when those that ended are forgotten.
        let mut other = house.application.claims("alice", house.application.create());
        for time in ["iat", "exp"] {
            other[time] = json!(other[time].as_u64().unwrap() + ahead);
        }
        let other = house.application.sign(&other);
        house.application.bring(&client, other).await.unwrap();
        refused(house.application.bring(&client, call.clone()).await, code);
    }
}

#[tokio::test]
async fn two_at_once_with_one_call_get_one_key() {
    let house = Protected::begin().await;
    let client = house.client();
    let application = &house.application;
    let call = application.sign(&application.claims("alice", application.create()));
    let asked = || sceau_element_api::protect::AskedOfDatum { call: call.clone(), address: None, row: None };
    let (one, other) = tokio::join!(client.protect(asked()), client.protect(asked()));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    refused(if one.is_ok() { other } else { one }, Code::CallReplayed);
}

#[tokio::test]
async fn a_row_that_the_database_edits_rolls_back_or_swaps_is_refused() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let op = application.create();
    let one = application.ask(&client, "alice", op.clone()).await.unwrap();
    let other = application.ask(&client, "carol", op).await.unwrap();
    let grant = json!({"grant": {"datum": one.datum, "grant": {"to": {"user": "bob"}}}});
    application.ask(&client, "alice", grant).await.unwrap();
    let revoke = json!({"revoke": {"datum": one.datum, "to": {"user": "bob"}}});
    let with_bob = application.rows[&one.datum].clone();
    application.ask(&client, "alice", revoke).await.unwrap();
    let present = application.rows[&one.datum].clone();
    let opening = application.opening(&one);

    let mut edited = Datum::parse(&present.payload).unwrap().document;
    edited.owner = "bob".parse().unwrap();
    let mut by_bob = present.clone();
    by_bob.payload = edited.to_bytes().unwrap().into();
    let mut other_salt = present.clone();
    other_salt.salt = application.rows[&other.datum].salt.clone();
    let mut no_salt = present.clone();
    no_salt.salt = Vec::new().into();
    for (name, row) in [
        ("rolled back to where bob may", with_bob),
        ("edited", by_bob),
        ("another datum's row", application.rows[&other.datum].clone()),
    ] {
        eprintln!("{name}");
        application.rows.insert(one.datum, row);
        refused(application.ask(&client, "bob", opening.clone()).await, Code::RowAltered);
    }
    // A salt that is not the datum's would end every key under it, were it kept with the next version.
    let to = json!({"user": "dave"});
    for row in [other_salt, no_salt] {
        for op in [
            opening.clone(),
            json!({"grant": {"datum": one.datum, "grant": {"to": to}}}),
            json!({"deactivate": {"datum": one.datum}}),
        ] {
            application.rows.insert(one.datum, row.clone());
            refused(application.ask(&client, "alice", op).await, Code::RowAltered);
        }
    }
    application.rows.insert(one.datum, present);
    application.ask(&client, "alice", opening).await.unwrap();

    // Nor does a wrapped key open under another datum.
    let mut swapped = application.opening(&other);
    swapped["open"]["wrapped_key"] = json!(one.wrapped_key);
    refused(application.ask(&client, "carol", swapped).await, Code::WrappedKeyInvalid);
    let mut random = vec![0; 60];
    rand::fill(&mut random).unwrap();
    let mut garbage = application.opening(&other);
    garbage["open"]["wrapped_key"] = json!(Base64Url(random));
    refused(application.ask(&client, "carol", garbage).await, Code::WrappedKeyInvalid);
}

#[tokio::test]
async fn a_datum_is_its_applications_and_begins_by_a_call_only() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let mut other = Caller::new(house.organisation.id);
    by_passkey(&client, &house.administrator, &other.document, None).await.unwrap();
    let op = house.application.create();
    let created = house.application.ask(&client, "alice", op).await.unwrap();
    other.rows.clone_from(&house.application.rows);
    let opening = other.opening(&created);
    refused(other.ask(&client, "alice", opening).await, Code::DatumUnknown);
    let unknown = json!({"describe": {"datum": sceau_element_api::protect::DatumId::random()}});
    refused(other.ask(&client, "alice", unknown).await, Code::DatumUnknown);

    let mut datum = Datum::parse(&house.application.rows[&created.datum].payload).unwrap().document;
    datum.owner = "mallory".parse().unwrap();
    let before = current(&client, Kind::Datum, created.datum).await;
    refused(by_platform(&client, &datum, before).await, Code::ProofRequired);
    refused(by_passkey(&client, &house.administrator, &datum, before).await, Code::ProofRequired);
}

#[tokio::test]
async fn names_that_are_not_what_they_seem_are_refused_at_the_door() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let turned = "ali\u{202e}ce";
    let created = {
        let op = application.create();
        application.ask(&client, "alice", op).await.unwrap()
    };
    for (field, value) in [
        ("name", json!("Ordonnance\u{200b}")),
        ("tags", json!(["20\u{2066}26"])),
        ("owner", json!(turned)),
        ("grants", json!([{"to": {"group": "nur\u{ad}ses"}}])),
        ("grants", json!([{"to": {"user": "ali\u{200d}ce"}}])),
        ("owner", json!("Andre\u{301}")),
    ] {
        let mut op = application.create();
        op["create"][field] = value;
        refused(application.ask(&client, "alice", op).await, Code::Malformed);
    }
    let to = json!({"user": turned});
    let grant = json!({"grant": {"datum": created.datum, "grant": {"to": to.clone()}}});
    refused(application.ask(&client, "alice", grant).await, Code::Malformed);
    let opening = application.opening(&created);
    refused(application.ask(&client, turned, opening.clone()).await, Code::Malformed);
    let mut claims = application.claims("alice", opening);
    claims["groups"] = json!([turned]);
    let call = application.sign(&claims);
    refused(application.bring(&client, call).await, Code::Malformed);
    // One that was given before can be looked for, and so taken back.
    let revoke = json!({"revoke": {"datum": created.datum, "to": to}});
    refused(application.ask(&client, "alice", revoke).await, Code::GrantUnknown);

    let mut other = Caller::new(house.organisation.id);
    other.document.name = "Dossiers\u{202e}".into();
    refused(by_passkey(&client, &house.administrator, &other.document, None).await, Code::DocumentMalformed);
    other.document.name = "Dossiers می\u{200c}خواهم".into();
    by_passkey(&client, &house.administrator, &other.document, None).await.unwrap();
}
