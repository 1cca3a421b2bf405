//! `docs/openapi-keyrings.json` has each place of the host and no other: by its method, whom it hears, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use sceau_keyrings::{Hears, KeyringsCode, ROUTES};
use serde_json::{Value, json};

fn document() -> Value {
    serde_json::from_str(include_str!("../../../../docs/openapi-keyrings.json")).unwrap()
}

/// Whose certificate is shown, as the document says it: one of these.
fn security(hears: Hears) -> Value {
    match hears {
        Hears::Anybody => json!([]),
        Hears::Officer => json!([{"certificate": ["security_officer"]}]),
        Hears::Provider => json!([{"certificate": ["service_provider"]}]),
        Hears::Helper => json!([{"certificate": ["support"]}, {"certificate": ["registration_authority"]}]),
    }
}

#[test]
fn the_document_has_each_place_and_no_other() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let said: BTreeSet<(&str, &str)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (path.as_str(), method.as_str()))
        })
        .collect();
    let places: BTreeSet<(&str, &str)> =
        ROUTES.iter().map(|route| (route.path, route.method)).chain([("/check", "get")]).collect();
    assert_eq!(said, places);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["components"]["securitySchemes"]["certificate"]["type"], "mutualTLS");
}

#[test]
fn the_document_says_whom_each_place_hears_and_how_it_answers() {
    let document = document();
    for route in ROUTES {
        let place = &document["paths"][route.path][route.method];
        let (name, answers) = (route.path, place["responses"].as_object().unwrap());
        assert_eq!(place["security"], security(route.hears), "{name}");
        let statuses: BTreeSet<u16> = answers.keys().map(|status| status.parse().unwrap()).collect();
        let done: Vec<u16> = statuses.iter().copied().filter(|status| *status < 300).collect();
        assert_eq!(done, route.answers, "{name}");
        let has = |status: u16| statuses.contains(&status);
        assert!(has(400) && has(503), "{name}");
        assert_eq!(has(401), route.hears != Hears::Anybody, "{name}: who shows no certificate");
        let takes_a_body = place.get("requestBody").is_some();
        assert_eq!((has(408), has(413)), (takes_a_body, takes_a_body), "{name}: slow and large bodies");
    }
}

/// What the host refuses by a code of its own is said where it happens, under that code's status.
#[test]
fn the_document_says_each_code_of_the_host_under_its_status() {
    let document = document();
    let mut said: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    let places =
        document["paths"].as_object().unwrap().values().flat_map(|all| all.as_object().unwrap().values());
    let places: Vec<&Value> = places.collect();
    for (status, answer) in places.iter().flat_map(|place| place["responses"].as_object().unwrap()) {
        let words = answer["description"].as_str().unwrap();
        for code in words.split('`').skip(1).step_by(2) {
            said.entry(code).or_default().insert(status.parse().unwrap());
        }
    }
    for code in KeyringsCode::ALL {
        assert_eq!(said.get(code.as_str()), Some(&BTreeSet::from([code.http_status()])), "{code:?}");
    }
}
