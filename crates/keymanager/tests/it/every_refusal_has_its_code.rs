//! Each check of an unwrap, broken alone: the code that the page explains, a record, and no key.

use sceau_crypto::{
    RecipientKey, RecipientPrivateKey, RecipientSuite, Secret, SigningKey, Typ, XWingPrivateKey, jws,
};
use sceau_element_api::documents::{
    DecisionRole, Found, IntakeHost, IntakeWord, KeyUse, Manifest, SealedFile,
};
use sceau_element_api::{AccountId, Base64Url, DossierId, OrganisationId};
use sceau_hsm::{KeyState, Provider as _, SoftwareKeystore};
use sceau_keymanager::{Assignment, Quota, Settings};
use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile};
use sceau_trace::Asserted;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, START, SealedDossier, TestLog, World};

/// Refused with this code, recorded as such, and nothing released.
async fn refused(world: &World, answer: Answer, code: &str) {
    assert_eq!(answer.code(), code);
    assert!(!String::from_utf8_lossy(&answer.body).contains("cek"));
    let records = world.administrator().await.get("/v1/records").await.json();
    let newest =
        records.as_array().unwrap().iter().find(|each| each["record"]["action"] != "certificate.issue");
    let record = &newest.unwrap()["record"];
    assert_eq!(
        (&record["action"], &record["outcome"], &record["code"]),
        (&json!("unwrap.outcome"), &json!("refused"), &json!(code))
    );
}

async fn asks(browser: &Browser, dossier: &SealedDossier) -> Answer {
    browser.post("/v1/unwrap", &dossier.request()).await
}

#[tokio::test]
async fn no_certificate() {
    let world = World::connected().await;
    let dossier = SealedDossier::deposit(&world);
    let answer = asks(&world.browser(None), &dossier).await;
    assert_eq!(answer.status, 401);
    refused(&world, answer, "certificate_missing").await;
}

#[tokio::test]
async fn an_expired_certificate() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    asks(&officer, &dossier).await.json();
    world.clock.advance(366 * crate::support::DAY);
    world.manager.tick().await;
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "certificate_expired").await;
}

#[tokio::test]
async fn a_certificate_of_another_authority() {
    let world = World::connected().await;
    let dossier = SealedDossier::deposit(&world);
    // The second one takes our authority's own name.
    for (name, code) in
        [("Elsewhere", "certificate_untrusted"), ("Région des Tests", "certificate_bad_signature")]
    {
        let other = Authority::create(&AuthorityProfile::of(name), START).unwrap();
        let forged =
            other.issue_client(&ClientProfile::new("Anaïs", CertificateRole::CaseOfficer), START).unwrap();
        let mut certificate = world.certificate(CertificateRole::CaseOfficer).await;
        certificate.pem = format!("{}{}", forged.key().to_pem().as_str(), forged.chain_pem()).into();
        let answer = asks(&world.browser(Some(&certificate)), &dossier).await;
        refused(&world, answer, code).await;
    }
}

#[tokio::test]
async fn an_administrator_s_certificate_reads_nothing() {
    let world = World::connected().await;
    let certificate = world.certificate(CertificateRole::Administrator).await;
    // Not even when somebody binds it to an account.
    world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
    let answer = asks(&world.browser(Some(&certificate)), &SealedDossier::deposit(&world)).await;
    refused(&world, answer, "certificate_wrong_role").await;
}

#[tokio::test]
async fn a_certificate_bound_to_no_account() {
    let world = World::connected().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    let answer = asks(&world.browser(Some(&certificate)), &SealedDossier::deposit(&world)).await;
    refused(&world, answer, "certificate_not_bound").await;
}

#[tokio::test]
async fn a_withdrawn_certificate() {
    let world = World::connected().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
    let (browser, dossier) = (world.browser(Some(&certificate)), SealedDossier::deposit(&world));
    asks(&browser, &dossier).await.json();
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    let answer = asks(&browser, &dossier).await;
    refused(&world, answer, "certificate_withdrawn").await;
    let world = world.restart(Settings::default()).await;
    let answer = asks(&browser, &dossier).await;
    refused(&world, answer, "certificate_withdrawn").await;
}

#[tokio::test]
async fn a_page_of_another_origin() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let platform = world.platform.origin.clone();
    for origin in [Some(platform.as_str()), Some("null"), Some("https://cles.localhost"), None] {
        let answer = asks(&officer.on_page_of(origin), &dossier).await;
        assert_eq!(answer.status, 403);
        assert!(answer.header("access-control-allow-origin").is_none());
        refused(&world, answer, "foreign_origin").await;
    }
}

#[tokio::test]
async fn too_many_in_a_short_time() {
    let quota = Quota { burst: 2, per_hour: 60 };
    let world = World::with(Settings { quota, ..Settings::default() }).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    asks(&officer, &dossier).await.json();
    asks(&officer, &dossier).await.json();
    let answer = asks(&officer, &dossier).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("60")));
    refused(&world, answer, "quota_exceeded").await;
    let (colleague, _) = world.officer().await;
    asks(&colleague, &dossier).await.json();
    world.clock.advance(60_000);
    asks(&officer, &dossier).await.json();
}

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
async fn a_header_that_is_not_one() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let mut dossier = SealedDossier::deposit(&world);
    dossier.header.truncate(100);
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "header_truncated").await;
}

#[tokio::test]
async fn a_file_that_is_not_in_the_manifest() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let (dossier, other) = (SealedDossier::deposit(&world), SealedDossier::deposit(&world));
    let answer = asks(&officer, &SealedDossier { header: other.header, ..dossier }).await;
    refused(&world, answer, "manifest_lacks_file").await;
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

#[tokio::test]
async fn a_key_that_is_disabled_in_the_keystore() {
    let world = World::connected().await;
    let ((officer, _), dossier) = (world.officer().await, SealedDossier::deposit(&world));
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    {
        let unlock = crate::support::world::unlock(stopped.folder.path());
        let keys = SoftwareKeystore::open(&stopped.folder.path().join("data/keystore"), &unlock).unwrap();
        let listed = keys.list().unwrap();
        let key = listed.iter().find(|entry| entry.key.label().as_str().starts_with("encrypt-1-")).unwrap();
        keys.set_state(&key.key, KeyState::Disabled).unwrap();
    }
    let world = stopped.start(Settings::default()).await;
    let answer = asks(&officer, &dossier).await;
    assert_eq!(answer.status, 503);
    refused(&world, answer, "key_disabled").await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let body = SealedDossier::deposit(&world).request().to_string();
    let answer = officer.sends_half("POST", "/v1/unwrap", body.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_too_slow"));
}

#[tokio::test]
async fn an_officer_whom_the_dossier_is_not_assigned_to() {
    let world = World::connected().await;
    let ((officer, account), (colleague, other)) = (world.officer().await, world.officer().await);
    let dossier = SealedDossier::deposit(&world);
    let assign = async |accounts| {
        let assignment = Assignment { dossier: dossier.manifest.dossier, accounts };
        world.manager.assign(assignment).await.unwrap();
    };
    assign(vec![other]).await;
    asks(&colleague, &dossier).await.json();
    let answer = asks(&officer, &dossier).await;
    refused(&world, answer, "not_assigned").await;
    asks(&officer, &SealedDossier::deposit(&world)).await.json();
    assign(vec![other, account]).await;
    asks(&officer, &dossier).await.json();
    assign(vec![]).await;
    asks(&officer, &dossier).await.json();
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

#[tokio::test]
async fn a_key_manager_without_a_platform() {
    let mut world = World::unconnected(Settings::default()).await;
    world.serve().await;
    let (officer, _) = world.officer().await;
    let body = json!({
        "dossier": DossierId::random(), "manifest": "e30", "manifest_evidence": {},
        "file_id": "00".repeat(16), "header": Base64Url(vec![1]),
    });
    let answer = officer.post("/v1/unwrap", &body).await;
    refused(&world, answer, "platform_not_connected").await;
    assert_eq!(world.browser(None).get("/v1/config").await.code(), "platform_not_connected");
}

#[tokio::test]
async fn a_body_that_is_not_a_request() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    for body in ["", "{", "{}", r#"{"dossier":"not-a-uuid"}"#] {
        let answer = officer.send("POST", "/v1/unwrap", body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed"), "{body}");
    }
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_and_not_written_one_by_one() {
    let world = World::connected().await;
    let dossier = SealedDossier::deposit(&world);
    let stranger = world.browser(None);
    for _ in 0..65 {
        assert_eq!(asks(&stranger, &dossier).await.code(), "certificate_missing");
    }
    world.clock.advance(60_000);
    assert_eq!(asks(&stranger, &dossier).await.code(), "certificate_missing");
    let records = world.administrator().await.get("/v1/records").await.json();
    let refusals: Vec<&Value> = records
        .as_array()
        .unwrap()
        .iter()
        .filter(|each| each["record"]["code"] == "certificate_missing")
        .collect();
    assert_eq!(refusals.len(), 61);
    assert_eq!(refusals[0]["record"]["detail"]["not_recorded"], "5");
}

#[test]
fn the_default_suite_is_hybrid() {
    assert_eq!(Settings::default().suite, RecipientSuite::HpkeXWing);
}
