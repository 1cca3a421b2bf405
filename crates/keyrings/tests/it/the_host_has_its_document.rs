//! `docs/openapi-keyrings.json` has each place of the host and no other.

use std::collections::BTreeSet;

use sceau_keyrings::PLACES;
use serde_json::Value;

#[test]
fn the_document_has_each_place_and_no_other() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi-keyrings.json")).unwrap();
    let said: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let places: BTreeSet<&str> = PLACES.iter().copied().chain(["/check"]).collect();
    assert_eq!(said, places);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
