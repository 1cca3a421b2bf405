//! Dossiers, manifests and decisions.

use crate::house::{
    House, by_key, by_passkey, by_platform, citizen, current, dossier, encryption_statement, organisation,
    refused, signing_statement,
};
use sceau_crypto::{FileId, SigningKey, Typ};
use sceau_element_api::Kind;
use sceau_element_api::documents::{Document, DossierPhase, DossierState, Manifest, Outcome, SealedFile};
use sceau_element_api::wire::Code;
use sceau_trace::sha256;

#[tokio::test]
async fn it_cannot_submit_a_decision_without_the_organisations_key() {
    let house = House::build().await;
    let client = house.client();
    let manifest = house.submit().await;
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    refused(by_platform(client, &decision, None).await, Code::ProofRequired);
    refused(by_passkey(client, &house.organisation_admin, &decision, None).await, Code::ProofRequired);
    let own = SigningKey::generate();
    refused(by_key(client, &own, Typ::Decision, &decision, None).await, Code::ProofInvalid);
    refused(
        by_key(client, &house.organisation.root, Typ::Decision, &decision, None).await,
        Code::ProofInvalid,
    );
    // Another organisation's key does not decide on this dossier.
    let other = organisation(client, &house.admin).await;
    let mut foreign = decision.clone();
    foreign.organisation = other.id;
    refused(by_key(client, &other.sign, Typ::Decision, &foreign, None).await, Code::NotAuthorised);
    // And the platform cannot say that a decision was made.
    let accepted = DossierState { phase: DossierPhase::Accepted, ..house.dossier.clone() };
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    refused(by_platform(client, &accepted, before).await, Code::HashMismatch);
    by_key(client, &house.organisation.sign, Typ::Decision, &decision, None).await.unwrap();
    by_platform(client, &accepted, before).await.unwrap();
}

#[tokio::test]
async fn it_cannot_attach_a_decision_to_another_manifest() {
    let house = House::build().await;
    let (client, sign) = (house.client(), &house.organisation.sign);
    let early = house.decision(sha256(b"no manifest yet"), Outcome::Accepted, 10);
    refused(by_key(client, sign, Typ::Decision, &early, None).await, Code::HashMismatch);
    let sent = house.submit().await.version();
    refused(by_key(client, sign, Typ::Decision, &early, None).await, Code::HashMismatch);
    // What was decided on the first manifest says nothing of the second.
    let asks = house.decision(sent.hash, Outcome::MoreInformation, 10);
    let asked = by_key(client, sign, Typ::Decision, &asks, None).await.unwrap().version();
    let accepts = house.decision(sent.hash, Outcome::Accepted, 20);
    let mut second = house.manifest();
    second.created = 2;
    by_passkey(client, &house.citizen, &second, Some(sent)).await.unwrap();
    refused(by_key(client, sign, Typ::Decision, &accepts, Some(asked)).await, Code::HashMismatch);
}

#[tokio::test]
async fn it_cannot_bring_back_a_decision_that_was_replaced() {
    let house = House::build().await;
    let client = house.client();
    let manifest = house.submit().await;
    let accepted = house.decision(manifest.hash, Outcome::Accepted, 10);
    let refusal = house.decision(manifest.hash, Outcome::Refused, 20);
    let sign = &house.organisation.sign;
    let first = by_key(client, sign, Typ::Decision, &accepted, None).await.unwrap().version();
    let second = by_key(client, sign, Typ::Decision, &refusal, Some(first)).await.unwrap().version();
    refused(by_key(client, sign, Typ::Decision, &accepted, Some(second)).await, Code::StaleVersion);
}

#[tokio::test]
async fn it_cannot_decide_with_a_key_that_was_replaced() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let manifest = house.submit().await;
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let next = signing_statement(organisation.id, &organisation.root, &SigningKey::generate(), Some(&first));
    let before = current(client, Kind::KeyStatement, first.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &next, before).await.unwrap();
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    refused(by_key(client, &organisation.sign, Typ::Decision, &decision, None).await, Code::ProofInvalid);
}

#[tokio::test]
async fn it_cannot_swap_the_recipients_key_of_a_manifest() {
    let house = House::build().await;
    let client = house.client();
    let mut manifest = house.manifest();
    manifest.key_id = encryption_statement(house.organisation.id, &SigningKey::generate(), None).key_id;
    // Even where the depositor was made to sign it.
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::KeyUnknown);
    // Nor with the key of another organisation, nor a form that was never published.
    let other = organisation(client, &house.admin).await;
    manifest.key_id = other.encrypt.key_id;
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::KeyUnknown);
    manifest = house.manifest();
    manifest.form_hash = sha256(b"another form");
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::HashMismatch);
}

#[tokio::test]
async fn it_cannot_write_or_replace_the_manifest_of_someone_with_a_passkey() {
    let house = House::build().await;
    let client = house.client();
    refused(by_platform(client, &house.manifest(), None).await, Code::ProofRequired);
    refused(
        by_passkey(client, &house.organisation_admin, &house.manifest(), None).await,
        Code::NotAuthorised,
    );
    let sent = house.submit().await.version();
    let mut altered = house.manifest();
    altered.created = 2;
    refused(by_platform(client, &altered, Some(sent)).await, Code::FieldFixed);
    refused(by_passkey(client, &house.citizen, &altered, Some(sent)).await, Code::FieldFixed);
    // Unless the organisation asked for more.
    let asks = house.decision(sent.hash, Outcome::MoreInformation, 10);
    by_key(client, &house.organisation.sign, Typ::Decision, &asks, None).await.unwrap();
    by_passkey(client, &house.citizen, &altered, Some(sent)).await.unwrap();
}

#[tokio::test]
async fn it_cannot_change_whose_dossier_it_is() {
    let house = House::build().await;
    let client = house.client();
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    let own = citizen(client).await;
    let stolen = DossierState { depositor: own.account.account, ..house.dossier.clone() };
    refused(by_platform(client, &stolen, before).await, Code::FieldFixed);
    let other = organisation(client, &house.admin).await;
    let diverted = DossierState { organisation: other.id, ..house.dossier.clone() };
    refused(by_platform(client, &diverted, before).await, Code::SchemeUnknown);
}

/// A colluding officer whom a dossier is not assigned to would open it through a dossier that the platform invents.
#[tokio::test]
async fn it_cannot_bring_a_sealed_file_into_another_dossier() {
    let house = House::build().await;
    let client = house.client();
    let file_id = FileId::of_dossier(&house.dossier.dossier.to_string());
    let file = SealedFile { file_id, envelope_hash: sha256(b"an envelope"), size: 1, parts: 1 };
    let sent = Manifest { files: vec![file.clone()], ..house.manifest() };
    let accomplice = citizen(client).await;
    let invented = dossier(&accomplice, &house.scheme);
    by_platform(client, &invented, None).await.unwrap();
    // Not even first: before the depositor's own manifest is there.
    let mut stolen = Manifest { dossier: invented.dossier, ..sent.clone() };
    refused(by_passkey(client, &accomplice, &stolen, None).await, Code::FieldFixed);
    // Nor under another hash; its own files are taken.
    stolen.files = vec![SealedFile { envelope_hash: sha256(b"another"), ..file.clone() }];
    refused(by_passkey(client, &accomplice, &stolen, None).await, Code::FieldFixed);
    // Nor beside one of its own, nor one that names no dossier.
    let own = FileId::of_dossier(&invented.dossier.to_string());
    let own = SealedFile { file_id: own, ..file.clone() };
    for foreign in [file.clone(), SealedFile { file_id: FileId::random(), ..file }] {
        stolen.files = vec![own.clone(), foreign];
        refused(by_passkey(client, &accomplice, &stolen, None).await, Code::FieldFixed);
    }
    stolen.files = vec![own];
    by_passkey(client, &accomplice, &stolen, None).await.unwrap();
    let row = by_passkey(client, &house.citizen, &sent, None).await.unwrap();
    // The dossier itself may name it again when more is asked for.
    let asks = house.decision(row.hash, Outcome::MoreInformation, 10);
    by_key(client, &house.organisation.sign, Typ::Decision, &asks, None).await.unwrap();
    let again = Manifest { created: 2, ..sent };
    by_passkey(client, &house.citizen, &again, Some(row.version())).await.unwrap();
}

/// The platform holds a private key that leaked and was replaced, and still hands out its statement, which has not expired.
#[tokio::test]
async fn it_cannot_have_a_new_dossier_sealed_to_a_key_that_was_replaced() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let next = encryption_statement(organisation.id, &organisation.root, Some(&organisation.encrypt));
    let before = current(client, Kind::KeyStatement, next.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &next, before).await.unwrap();
    let begun = dossier(&house.citizen, &house.scheme);
    by_platform(client, &begun, None).await.unwrap();
    let mut manifest = Manifest { dossier: begun.dossier, ..house.manifest() };
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::KeyUnknown);
    manifest.key_id = next.key_id;
    by_passkey(client, &house.citizen, &manifest, None).await.unwrap();
    // A draft begun before keeps its key.
    house.submit().await;
}
