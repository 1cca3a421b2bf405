use sceau_client::{ClientError, Person, trust};
use sceau_element_api::documents::{Document as _, OrganisationDocument};
use sceau_element_api::{Base64Url, Kind};
use sceau_trace::Asserted;
use serde_json::{Value, json};

use crate::support::{Office, World};

/// What a page does with the row: the evidence under the log key, for the hash of the bytes; then the bytes.
fn verified(reader: &Person, office: &Office, row: &Value) -> Result<OrganisationDocument, ClientError> {
    let payload = Base64Url::decode(row["payload"].as_str().unwrap()).unwrap();
    let hash = sceau_trace::sha256(&payload);
    let attested =
        trust::attested(&row["evidence"], reader.log_key(), Kind::Organisation, &office.id.into(), hash)?;
    assert_eq!(attested.asserted(), Asserted::Passkey, "an administrator of the platform signed these bytes");
    Ok(OrganisationDocument::parse(&payload).unwrap().document)
}

#[tokio::test]
async fn a_scheme_and_a_deposit_come_with_the_organisations_attested_row() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let scheme: Value = world.nobody().get(&format!("/v1/schemes/{}", office.scheme.id)).await.unwrap();
    let begun: Value =
        citizen.server().post("/v1/dossiers", &json!({"scheme": office.scheme.id})).await.unwrap();
    for row in [&scheme["organisation_row"], &begun["organisation_row"]] {
        let document = verified(&citizen, &office, row).unwrap();
        assert_eq!(document.organisation, office.id);
        assert_eq!(document.name, scheme["organisation_name"]);
        assert_eq!(document.root_fingerprint.to_string(), begun["recipient"]["root_fingerprint"]);
    }
    let mut renamed = begun["organisation_row"].clone();
    let payload = Base64Url::decode(renamed["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload.to_vec()).unwrap().replace("lyon", "lille");
    renamed["payload"] = json!(Base64Url(payload.into_bytes()));
    assert!(verified(&citizen, &office, &renamed).is_err(), "another name is another row");
    let list: Vec<Value> = world.nobody().get("/v1/schemes").await.unwrap();
    assert!(list[0]["organisation_row"].is_null(), "a list spares the evidence");
}
