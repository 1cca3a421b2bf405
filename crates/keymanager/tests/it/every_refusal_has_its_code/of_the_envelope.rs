//! What is wrong with the envelope's header.

use sceau_crypto::{RecipientKey, RecipientPrivateKey, Secret, XWingPrivateKey};
use sceau_element_api::DossierId;
use sceau_element_api::documents::KeyUse;
use serde_json::json;

use super::{asks, refused};
use crate::support::{SealedDossier, World};

#[tokio::test]
async fn a_header_that_is_not_one() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let mut dossier = SealedDossier::deposit(&world);
    dossier.header.truncate(100);
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "header_truncated").await;
}

#[tokio::test]
async fn a_header_of_another_file_than_the_one_asked_for() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let mut request = dossier.request();
    request["file_id"] = json!("00".repeat(16));
    let answer = officer.post("/v1/unwrap", &request).await;
    refused(&world, answer, "header_of_another_file").await;
}

#[tokio::test]
async fn a_file_that_was_sealed_for_another_dossier() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let key = world.statement(KeyUse::Encrypt).recipient_key().unwrap();
    // Whoever had it attested: the file itself says where it belongs.
    let brought = SealedDossier::with(&world, &key, |manifest| manifest.dossier = DossierId::random());
    let answer = asks(&officer, &brought).await;
    refused(&world, answer, "file_of_another_dossier").await;
}

fn stranger() -> RecipientKey {
    let key = XWingPrivateKey::from_seed(Secret::random()).unwrap();
    RecipientPrivateKey::XWing(key).recipient_key().clone()
}

#[tokio::test]
async fn an_envelope_sealed_to_somebody_else() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let ours = world.statement(KeyUse::Encrypt).key_id;
    let elsewhere = SealedDossier::sealed_to(&world, &stranger());
    let answer = asks(&officer, &elsewhere).await;
    refused(&world, answer, "manifest_of_another_key").await;
    let pretended = SealedDossier::with(&world, &stranger(), |manifest| manifest.key_id = ours);
    let answer = asks(&officer, &pretended).await;
    refused(&world, answer, "not_a_recipient").await;
}

#[tokio::test]
async fn an_envelope_that_was_altered() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    // Fixed header 56, length 4, count 2, suite 2, key id 32, length 2: then the wrapped key; the MAC is at the end.
    let wrapped = 56 + 4 + 2 + 2 + 32 + 2 + 10;
    for (at, code) in [
        (30, "envelope_commitment"),
        (wrapped, "envelope_unwrap"),
        (dossier.header.len() - 1, "header_forged"),
    ] {
        let mut altered = dossier.clone();
        altered.header[at] ^= 1;
        let answer = asks(&officer, &altered).await;
        refused(&world, answer, code).await;
    }
    asks(&officer, &dossier).await.json();
}
