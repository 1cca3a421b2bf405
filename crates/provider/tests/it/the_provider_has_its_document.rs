//! `docs/openapi-provider.json` has each place with its methods, and no other.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use sceau_provider::PLACES;
use serde_json::Value;

use crate::stage::Stage;

#[tokio::test]
async fn the_document_has_each_place_and_no_other() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi-provider.json")).unwrap();
    let said: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(said, PLACES.iter().copied().collect());
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let stage = Stage::raise().await;
    for place in PLACES {
        for method in ["get", "post"] {
            let is_said = document["paths"][place][method].is_object();
            let request = Request::builder().method(method.to_uppercase().as_str());
            let request = request.uri(place.replace("{id}", "x").replace("{name}", "x"));
            let answer = stage.ask(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status != StatusCode::METHOD_NOT_ALLOWED, is_said, "{method} {place}");
        }
    }
}
