//! Roots and key statements.

use crate::house::{
    House, by_key, by_passkey, by_platform, current, encryption_statement, organisation_document, refused,
    request, shown,
};
use sceau_crypto::{SigningKey, Typ};
use sceau_element_api::Kind;
use sceau_element_api::documents::{Document, FunderKey, OrganisationDocument};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::Code;

#[tokio::test]
async fn it_cannot_attest_a_key_statement_that_the_enrolled_root_did_not_sign() {
    let house = House::build().await;
    let (client, id) = (house.client(), house.organisation.id);
    let before = current(client, Kind::KeyStatement, house.organisation.encrypt.row()).await;
    let own_root = SigningKey::generate();
    // Signed by a root of its own, which the statement names; then one that names the enrolled root.
    let swapped = encryption_statement(id, &own_root, Some(&house.organisation.encrypt));
    refused(by_key(client, &own_root, Typ::KeyStatement, &swapped, before).await, Code::ProofInvalid);
    let posing = encryption_statement(id, &house.organisation.root, Some(&house.organisation.encrypt));
    refused(by_key(client, &own_root, Typ::KeyStatement, &posing, before).await, Code::ProofInvalid);
    refused(by_platform(client, &posing, before).await, Code::ProofRequired);
    // A genuine signature over another key than the payload's.
    let genuine = encryption_statement(id, &house.organisation.root, Some(&house.organisation.encrypt));
    let jws =
        sceau_crypto::jws::sign(&house.organisation.root, Typ::KeyStatement, &genuine.to_bytes().unwrap());
    refused(client.attest(request(&posing, before, Proof::Jws { jws })).await, Code::ProofInvalid);
    assert_eq!(current(client, Kind::KeyStatement, house.organisation.encrypt.row()).await, before);
}

#[tokio::test]
async fn it_cannot_enrol_another_root_for_an_organisation_without_the_administrators_passkey() {
    let house = House::build().await;
    let (client, own_root) = (house.client(), SigningKey::generate());
    let id = house.organisation.id;
    let before = current(client, Kind::Organisation, id).await;
    let document = OrganisationDocument { organisation: id, ..organisation_document(&own_root) };
    refused(by_platform(client, &document, before).await, Code::ProofRequired);
    refused(by_passkey(client, &house.organisation_admin, &document, before).await, Code::NotAuthorised);
    refused(by_passkey(client, &house.citizen, &document, before).await, Code::NotAuthorised);
    refused(by_platform(client, &organisation_document(&own_root), None).await, Code::ProofRequired);
    let updated = by_passkey(client, &house.admin, &document, before).await.unwrap();
    assert_eq!(updated.version, 2);
}

/// The administrator enrols "Mallory" and checks name and root; the platform put the id of another organisation into the document.
#[tokio::test]
async fn it_cannot_pass_the_root_of_a_new_organisation_off_on_an_existing_one() {
    let house = House::build().await;
    let (client, root) = (house.client(), SigningKey::generate());
    let id = house.organisation.id;
    let before = current(client, Kind::Organisation, id).await;
    let mallory =
        OrganisationDocument { organisation: id, name: "Mallory".to_owned(), ..organisation_document(&root) };
    refused(by_passkey(client, &house.admin, &mallory, before).await, Code::FieldFixed);
}

#[tokio::test]
async fn it_cannot_reorder_or_roll_back_key_statements() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let (id, root) = (organisation.id, &organisation.root);
    let row = organisation.encrypt.row();
    let second = encryption_statement(id, root, Some(&organisation.encrypt));
    let third = encryption_statement(id, root, Some(&second));
    let first = current(client, Kind::KeyStatement, row.clone()).await;
    refused(by_key(client, root, Typ::KeyStatement, &third, first).await, Code::SerialMismatch);
    by_key(client, root, Typ::KeyStatement, &second, first).await.unwrap();
    let now = current(client, Kind::KeyStatement, row.clone()).await;
    for old in [&organisation.encrypt, &second] {
        refused(by_key(client, root, Typ::KeyStatement, old, now).await, Code::SerialMismatch);
    }
    // A statement of the right serial for an old key, well signed: keys do not come back.
    let mut revived = encryption_statement(id, root, Some(&second));
    revived.key_id = organisation.encrypt.key_id;
    revived.public_key = organisation.encrypt.public_key.clone();
    refused(by_key(client, root, Typ::KeyStatement, &revived, now).await, Code::KeyUnknown);
    by_key(client, root, Typ::KeyStatement, &third, now).await.unwrap();
}

/// Keys of MOB's host: the platform's word, and even so no older one comes back under a number that is taken.
#[tokio::test]
async fn it_cannot_bring_back_an_older_key_of_a_funder() {
    let house = House::build().await;
    let client = house.client();
    let organisation = house.organisation.id;
    let key = house.organisation.encrypt.key_id;
    let publication =
        |serial| FunderKey { v: 1, organisation, serial, key, publication: format!("{{\"n\":{serial}}}") };
    refused(by_platform(client, &publication(2), None).await, Code::SerialMismatch);
    let first = by_platform(client, &publication(1), None).await.unwrap();
    let second = by_platform(client, &publication(2), Some(first.version())).await.unwrap();
    refused(by_platform(client, &publication(1), Some(second.version())).await, Code::SerialMismatch);
    refused(by_platform(client, &publication(2), Some(first.version())).await, Code::StaleVersion);
    refused(
        by_passkey(client, &house.citizen, &publication(3), Some(second.version())).await,
        Code::ProofRequired,
    );
    let nobody = FunderKey { organisation: sceau_element_api::OrganisationId::random(), ..publication(1) };
    refused(by_platform(client, &nobody, None).await, Code::OrganisationUnknown);
    let record = shown(client, second.index).await;
    assert_eq!(record.detail().get("serial").map(String::as_str), Some("2"));
    assert_eq!(record.organisation(), Some(organisation.to_string().as_str()));
}
