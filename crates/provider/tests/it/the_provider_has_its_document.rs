//! `docs/openapi-provider.json` has each place and no other.

use std::collections::BTreeSet;

use sceau_provider::PLACES;
use serde_json::Value;

#[test]
fn the_document_has_each_place_and_no_other() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi-provider.json")).unwrap();
    let said: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(said, PLACES.iter().copied().collect());
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
