//! Each check of an unwrap, broken alone: the code that the page explains, a record, and no key.

mod of_the_envelope;
mod of_the_manifest;

use sceau_crypto::RecipientSuite;
use sceau_element_api::documents::DecisionRole;
use sceau_element_api::{AccountId, Base64Url, DossierId};
use sceau_hsm::{KeyState, Provider as _, SoftwareKeystore};
use sceau_keymanager::{Assignment, Quota, Settings};
use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, START, SealedDossier, World};

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
