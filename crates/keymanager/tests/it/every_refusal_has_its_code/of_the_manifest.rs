//! What is wrong with the manifest, or with what it says of a file.

use sceau_crypto::{SigningKey, Typ, jws};
use sceau_element_api::documents::{Found, IntakeHost, IntakeWord, KeyUse, Manifest, SealedFile};
use sceau_element_api::{Base64Url, DossierId, OrganisationId};
use sceau_trace::Asserted;
use serde_json::{Value, json};

use super::{asks, refused};
use crate::support::{SealedDossier, TestLog, World};

#[tokio::test]
async fn a_manifest_that_cannot_be_read() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let mut dossier = SealedDossier::deposit(&world);
    dossier.payload = b"{}".to_vec();
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "manifest_malformed").await;
}

#[tokio::test]
async fn a_manifest_that_was_not_attested() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let id = dossier.manifest.dossier.to_string();
    let attest = |kind: &str, id: &str| {
        world.platform.lock().log.attest(kind, id, &dossier.payload, Asserted::Passkey).1
    };
    let elsewhere = TestLog::new().attest("manifest", &id, &dossier.payload, Asserted::Passkey).1;
    let mut cases: Vec<(&str, Value)> = vec![
        ("the evidence of another manifest", SealedDossier::deposit(&world).evidence),
        ("evidence of a log that is not the pinned one", elsewhere),
        ("the bytes attested as something else", attest("scheme", &id)),
        ("the bytes attested for another dossier", attest("manifest", &DossierId::random().to_string())),
        ("no evidence", json!({})),
    ];
    let mut forged = dossier.evidence.clone();
    forged["record"] = SealedDossier::deposit(&world).evidence["record"].clone();
    cases.push(("a record that the proof does not lead to", forged));
    for (what, evidence) in cases {
        let answer = asks(&officer, &SealedDossier { evidence, ..dossier.clone() }).await;
        assert_eq!(answer.code(), "manifest_not_attested", "{what}");
    }
    let mut altered = dossier;
    let at = altered.payload.windows(9).position(|nine| nine == b"\"parts\":1").unwrap();
    altered.payload[at + 8] = b'2';
    let answer = asks(&officer, &altered).await;
    refused(&world, answer, "manifest_not_attested").await;
}

#[tokio::test]
async fn a_manifest_of_another_dossier() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let mut dossier = SealedDossier::deposit(&world);
    // The platform attests one citizen's manifest as another dossier's: the manifest itself says whose it is.
    dossier.manifest.dossier = DossierId::random();
    dossier.evidence = world.platform.attest_manifest(&dossier.manifest, &dossier.payload);
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "manifest_of_another_dossier").await;
}

#[tokio::test]
async fn a_manifest_for_another_organisation() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let key = world.statement(KeyUse::Encrypt).recipient_key().unwrap();
    let dossier =
        SealedDossier::with(&world, &key, |manifest| manifest.organisation = OrganisationId::random());
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "manifest_of_another_organisation").await;
}

#[tokio::test]
async fn a_form_that_was_not_the_one_answered() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    // Without it, whether documents are scanned would be whatever the platform likes.
    let mut request = dossier.request();
    for scheme in [Value::Null, json!(Base64Url(SealedDossier::deposit(&world).scheme)), json!("e30")] {
        request["scheme"] = scheme;
        let answer = officer.post("/v1/unwrap", &request).await;
        refused(&world, answer, "form_differs").await;
    }
}

#[tokio::test]
async fn a_file_that_the_trusted_intake_did_not_find_clean() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let key = world.statement(KeyUse::Encrypt).recipient_key().unwrap();
    let (intake, other) = (SigningKey::generate(), SigningKey::generate());
    let host = IntakeHost {
        url: "https://depot.example.org".to_owned(),
        key: intake.verifying_key().as_bytes().to_vec().into(),
    };
    let clean = |key: &SigningKey, manifest: &Manifest| {
        let SealedFile { file_id, envelope_hash, size, parts } = manifest.files[0];
        let found = Found::Clean { envelope_hash, size, parts };
        let word = IntakeWord { dossier: manifest.dossier, file: file_id, found };
        vec![jws::sign(key, Typ::IntakeWord, &serde_json::to_vec(&word).unwrap())]
    };
    let missing = SealedDossier::of_scheme(&world, &key, Some(host.clone()), |_| {});
    let forged = SealedDossier::of_scheme(&world, &key, Some(host.clone()), |manifest| {
        manifest.words = clean(&other, manifest);
    });
    let unasked = SealedDossier::with(&world, &key, |manifest| manifest.words = clean(&intake, manifest));
    for hostile in [missing, forged, unasked] {
        let answer = asks(&officer, &hostile).await;
        refused(&world, answer, "not_scanned").await;
    }
    let good = SealedDossier::of_scheme(&world, &key, Some(host), |manifest| {
        manifest.words = clean(&intake, manifest);
    });
    good.assert_opened(&asks(&officer, &good).await.json());
}

#[tokio::test]
async fn a_file_that_is_not_in_the_manifest() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let (dossier, other) = (SealedDossier::deposit(&world), SealedDossier::deposit(&world));
    let answer = asks(&officer, &SealedDossier { header: other.header, ..dossier }).await;
    refused(&world, answer, "manifest_lacks_file").await;
}
