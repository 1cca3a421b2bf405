//! `docs/openapi-keyfront.json` has each place of the keyfront and no other. That they take and give what it says is judged by
//! `tests/judges/protect_openapi.py`.

use std::collections::BTreeSet;

use sceau_protect::PLACES;
use serde_json::Value;

#[test]
fn the_document_has_each_place_and_no_other() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi-keyfront.json")).unwrap();
    let said: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let places: BTreeSet<&str> = PLACES.iter().copied().chain(["/check"]).collect();
    assert_eq!(said, places);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
