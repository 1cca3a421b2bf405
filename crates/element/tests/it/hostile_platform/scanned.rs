//! Scanned intake: what the intake did not find clean does not come in, whatever the platform says.

use crate::house::{House, by_passkey, by_platform, current, dossier, refused, scheme};
use sceau_crypto::{FileId, SigningKey, Typ, jws};
use sceau_element_api::documents::{
    Document as _, DossierState, Found, Intake, IntakeHost, IntakeWord, Manifest, SchemeDocument, SealedFile,
};
use sceau_element_api::wire::Code;
use sceau_element_api::{Kind, SchemeId};
use sceau_trace::sha256;

fn file(dossier: &DossierState) -> SealedFile {
    let file_id = FileId::of_dossier(&dossier.dossier.to_string());
    SealedFile { file_id, envelope_hash: sha256(b"an envelope"), size: 3, parts: 1 }
}

fn clean(dossier: &DossierState, file: &SealedFile) -> IntakeWord {
    let SealedFile { file_id, envelope_hash, size, parts } = *file;
    IntakeWord { dossier: dossier.dossier, file: file_id, found: Found::Clean { envelope_hash, size, parts } }
}

fn signed(key: &SigningKey, word: &IntakeWord) -> String {
    jws::sign(key, Typ::IntakeWord, &serde_json::to_vec(word).unwrap())
}

fn trusts(key: &SigningKey) -> IntakeHost {
    let key = key.verifying_key().as_bytes().to_vec().into();
    IntakeHost { url: "https://depot.example.org".to_owned(), key }
}

/// A house whose scheme has its documents scanned by the intake of `key`, and a draft for it.
async fn scanned(key: &SigningKey) -> House {
    let mut house = House::build().await;
    house.scheme.scheme = SchemeId::random();
    house.scheme.intake = Intake::Scanned;
    house.scheme.intake_host = Some(trusts(key));
    by_passkey(house.client(), &house.organisation_admin, &house.scheme, None).await.unwrap();
    house.dossier = dossier(&house.citizen, &house.scheme);
    by_platform(house.client(), &house.dossier, None).await.unwrap();
    house
}

#[tokio::test]
async fn it_cannot_bring_in_a_file_that_the_trusted_intake_did_not_find_clean() {
    let (intake, own) = (SigningKey::generate(), SigningKey::generate());
    let house = scanned(&intake).await;
    let file = file(&house.dossier);
    let good = clean(&house.dossier, &file);
    let with = |words: Vec<String>| Manifest { files: vec![file.clone()], words, ..house.manifest() };
    let other = dossier(&house.citizen, &house.scheme);
    let refusal = IntakeWord { found: Found::Refused { code: "infected".to_owned() }, ..good.clone() };
    let shorter = SealedFile { size: 2, ..file.clone() };
    let hostile = [
        vec![],
        vec![signed(&own, &good)],
        vec![signed(&intake, &refusal)],
        vec![signed(&intake, &clean(&other, &file))],
        vec![signed(&intake, &clean(&house.dossier, &shorter))],
        vec![signed(&intake, &good), signed(&intake, &good)],
        vec![jws::sign(&intake, Typ::IntakeRedemption, &serde_json::to_vec(&good).unwrap())],
    ];
    for words in hostile {
        let refusal = by_passkey(house.client(), &house.citizen, &with(words.clone()), None).await;
        refused(refusal, Code::NotScanned);
    }
    by_passkey(house.client(), &house.citizen, &with(vec![signed(&intake, &good)]), None).await.unwrap();
}

#[tokio::test]
async fn it_cannot_use_a_form_from_before_the_intake_or_before_another_one() {
    let (leaked, intake) = (SigningKey::generate(), SigningKey::generate());
    let house = scanned(&leaked).await;
    let client = house.client();
    let before = current(client, Kind::Scheme, house.scheme.scheme).await;
    let anew = SchemeDocument { intake_host: Some(trusts(&intake)), ..house.scheme.clone() };
    by_passkey(client, &house.organisation_admin, &anew, before).await.unwrap();
    let file = file(&house.dossier);
    let word = signed(&leaked, &clean(&house.dossier, &file));
    let old = Manifest { files: vec![file.clone()], words: vec![word.clone()], ..house.manifest() };
    refused(by_passkey(client, &house.citizen, &old, None).await, Code::HashMismatch);
    let form_hash = sha256(&anew.to_bytes().unwrap());
    let mixed = Manifest { form_hash, ..old };
    refused(by_passkey(client, &house.citizen, &mixed, None).await, Code::NotScanned);
    let words = vec![signed(&intake, &clean(&house.dossier, &file))];
    by_passkey(client, &house.citizen, &Manifest { words, ..mixed }, None).await.unwrap();
}

#[tokio::test]
async fn words_stand_where_documents_are_scanned_and_nowhere_else() {
    let house = House::build().await;
    let file = file(&house.dossier);
    let words = vec![signed(&SigningKey::generate(), &clean(&house.dossier, &file))];
    let manifest = Manifest { files: vec![file], words, ..house.manifest() };
    refused(by_passkey(house.client(), &house.citizen, &manifest, None).await, Code::NotScanned);
    for (intake, intake_host) in
        [(Intake::Scanned, None), (Intake::Sealed, Some(trusts(&SigningKey::generate())))]
    {
        let scheme = SchemeDocument { intake, intake_host, ..scheme(house.organisation.id) };
        assert!(scheme.to_bytes().is_err(), "which intake is trusted is said exactly where there is one");
    }
}
