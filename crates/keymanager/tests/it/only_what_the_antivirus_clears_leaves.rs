//! Where a scanner is configured, no key leaves before its verdict: what waits, what is refused, who may make an exception and for how long. The scanning
//! process is played here; the real one meets a real ClamAV in the whole-system tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sceau_element_api::AccountId;
use sceau_element_api::documents::DecisionRole;
use sceau_keymanager::{ScannerSettings, Settings};
use sceau_pki::CertificateRole;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::world::AssertWell as _;
use crate::support::{Answer, Bad, Browser, READING, SealedDossier, World};

const HOUR: u64 = 3_600_000;
pub(crate) const READY: &str = r#"{"said":"ready","antivirus":"Double-1/2","confined":true}"#;
const CLEAN: &str = r#"{"said":"clean","size":21}"#;
pub(crate) const INFECTED: &str = r#"{"said":"infected","size":21,"signature":"Test.Found"}"#;

/// A scanning process that says these lines, keeps a note of each start in `folder`, and reads whatever comes.
pub(crate) fn says(folder: &Path, lines: &[&str]) -> Settings {
    let mut script = format!("echo started >> {}/starts\n", folder.display());
    lines.iter().for_each(|line| script += &format!("echo '{line}'\n"));
    let path = folder.join("double.sh");
    std::fs::write(&path, script + "exec /bin/cat > /dev/null\n").unwrap();
    let program = vec!["/bin/sh".into(), path.into()];
    let antivirus = vec!["unix:/nowhere".parse().unwrap()];
    Settings { scanner: Some(ScannerSettings::new(antivirus, program)), ..Settings::default() }
}

fn starts(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("starts")).map_or(0, |text| text.lines().count())
}

fn reading(dossier: &SealedDossier) -> Value {
    let mut body = dossier.request();
    body["reading"] = json!(READING);
    body
}

pub(crate) async fn asks(browser: &Browser, dossier: &SealedDossier) -> Answer {
    browser.post("/v1/unwrap", &reading(dossier)).await
}

pub(crate) async fn supervisor(world: &World) -> (Browser, AccountId) {
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    let account = AccountId::random();
    world.bind(&certificate, account, DecisionRole::Supervisor).await;
    (world.browser(Some(&certificate)), account)
}

pub(crate) fn exception(dossier: &SealedDossier, account: AccountId, hours: u64) -> Value {
    let mut body = dossier.proof();
    body["file_id"] = json!(dossier.manifest.files[0].file_id);
    (body["account"], body["hours"]) = (json!(account), json!(hours));
    body["reason"] = json!("Faux positif.");
    body
}

/// Actions that the platform was told of, in order.
async fn told(world: &World) -> Vec<String> {
    world.manager.tick().await.assert_well();
    let records = world.platform.lock().records.clone();
    let said = |action: &str| ["scan", "unwrap", "exception"].iter().any(|word| action.starts_with(word));
    let line = |record: &sceau_trace::Record| {
        format!(
            "{} {}",
            record.action(),
            if record.code().is_empty() { record.outcome().as_str() } else { record.code() }
        )
    };
    records.iter().filter(|record| said(record.action().as_str())).map(line).collect()
}

#[tokio::test]
async fn a_clean_verdict_releases_and_counts_for_a_quarter_of_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(says(folder.path(), &[READY, CLEAN])).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    for _ in 0..2 {
        let answer = asks(&officer, &dossier).await.json();
        dossier.assert_opened(&answer);
        assert_eq!(answer["scanned"], json!({"verdict": "clean"}));
    }
    assert_eq!(starts(folder.path()), 1, "the first verdict counts");
    let lines = told(&world).await;
    let opened = ["unwrap.intent intent", "unwrap.outcome granted"];
    let expected = [&["scan.intent intent", "scan.outcome granted"][..], &opened, &opened].concat();
    assert_eq!(lines, expected);
    world.clock.advance(HOUR / 4);
    asks(&officer, &dossier).await.json();
    assert_eq!(starts(folder.path()), 2, "a verdict grows old");
    let config = officer.get("/v1/config").await.json();
    assert_eq!(config["scanner"], true);
}

#[tokio::test]
async fn a_verdict_does_not_outlive_the_signatures_that_it_was_given_with() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("clamd");
    let signatures = Arc::new(AtomicU32::new(2));
    let said = Arc::clone(&signatures);
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 9];
            drop(stream.read_exact(&mut asked).await);
            let answer = format!("Double 1/{}/today\0", said.load(Ordering::SeqCst));
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    let mut settings = says(folder.path(), &[READY, CLEAN]);
    settings.scanner.as_mut().unwrap().antivirus =
        vec![format!("unix:{}", socket.display()).parse().unwrap()];
    let world = World::with(settings).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    for _ in 0..2 {
        dossier.assert_opened(&asks(&officer, &dossier).await.json());
    }
    assert_eq!(starts(folder.path()), 1, "the same signatures");
    signatures.store(3, Ordering::SeqCst);
    dossier.assert_opened(&asks(&officer, &dossier).await.json());
    assert_eq!(starts(folder.path()), 2, "others know more");
}

#[tokio::test]
async fn an_exception_is_one_officer_s_for_one_document_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(says(folder.path(), &[READY, INFECTED])).await;
    let (officer, account) = world.officer().await;
    let (colleague, other) = world.officer().await;
    let (chief, own) = supervisor(&world).await;
    let dossier = SealedDossier::deposit(&world);
    let early = chief.post("/v1/exceptions", &exception(&dossier, account, 1)).await;
    assert_eq!(early.code(), "document_not_infected");

    let answer = asks(&officer, &dossier).await;
    assert!(!String::from_utf8_lossy(&answer.body).contains("cek"));
    assert!(String::from_utf8_lossy(&answer.body).contains("Test.Found"));
    assert_eq!(answer.code(), "document_infected");

    for (browser, whom, hours, code) in [
        (&officer, other, 1, "supervisor_needed"),
        (&chief, own, 1, "exception_for_oneself"),
        (&chief, AccountId::random(), 1, "colleague_may_not"),
        (&chief, account, 25, "malformed"),
        (&chief, account, 0, "malformed"),
    ] {
        let refused = browser.post("/v1/exceptions", &exception(&dossier, whom, hours)).await;
        assert_eq!(refused.code(), code);
    }
    let foreign = chief.on_page_of(Some(&world.platform.origin));
    let refused = foreign.post("/v1/exceptions", &exception(&dossier, account, 1)).await;
    assert_eq!(refused.code(), "foreign_origin");

    let granted = chief.post("/v1/exceptions", &exception(&dossier, account, 2)).await.json();
    assert_eq!(granted["signature"], "Test.Found");
    let lines = told(&world).await;
    assert_eq!(lines[lines.len() - 2..], ["exception.intent intent", "exception.outcome granted"]);
    // It is kept with the key manager, and for this officer and this document.
    let world = world.restart(says(folder.path(), &[READY, INFECTED])).await;
    let answer = asks(&officer, &dossier).await.json();
    dossier.assert_opened(&answer);
    assert_eq!(answer["scanned"]["reason"], "Faux positif.");
    for browser in [&colleague, &chief] {
        assert_eq!(asks(browser, &dossier).await.code(), "document_infected");
    }
    assert_eq!(asks(&officer, &SealedDossier::deposit(&world)).await.code(), "document_infected");
    world.clock.advance(2 * HOUR);
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
}

#[tokio::test]
async fn an_exception_ends_with_the_certificate_of_who_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(says(folder.path(), &[READY, INFECTED])).await;
    let (officer, account) = world.officer().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.bind(&certificate, AccountId::random(), DecisionRole::Supervisor).await;
    let chief = world.browser(Some(&certificate));
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
    chief.post("/v1/exceptions", &exception(&dossier, account, 24)).await.json();
    dossier.assert_opened(&asks(&officer, &dossier).await.json());
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
}

#[tokio::test]
async fn an_exception_is_taken_back_by_a_supervisor_or_an_administrator_and_counts_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(says(folder.path(), &[READY, INFECTED])).await;
    let (officer, account) = world.officer().await;
    let (chief, _) = supervisor(&world).await;
    let (other, _) = supervisor(&world).await;
    let administrator = world.administrator().await;
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
    for (browser, by_a_person) in [(&other, true), (&administrator, false)] {
        chief.post("/v1/exceptions", &exception(&dossier, account, 24)).await.json();
        dossier.assert_opened(&asks(&officer, &dossier).await.json());
        assert_eq!(officer.get("/v1/exceptions").await.code(), "supervisor_needed");
        let shown = browser.get("/v1/exceptions").await.json();
        assert_eq!((&shown[0]["standing"], &shown[0]["name"]), (&json!("in_force"), &json!("Anaïs Le Goff")));
        let revoke = format!("/v1/exceptions/{}/revoke", shown[0]["id"].as_str().unwrap());
        assert_eq!(officer.post(&revoke, &json!({})).await.code(), "supervisor_needed");
        assert_eq!(browser.on_page_of(None).post(&revoke, &json!({})).await.code(), "foreign_origin");
        let shown = browser.post(&revoke, &json!({})).await.json();
        assert_eq!(shown[0]["standing"], "revoked");
        assert_eq!(shown[0]["revoked"]["by"].is_string(), by_a_person);
        assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
        assert_eq!(browser.post(&revoke, &json!({})).await.code(), "not_found", "once");
        assert_eq!(
            told(&world).await.iter().filter(|line| *line == "exception.revoke granted").count(),
            1 + usize::from(!by_a_person)
        );
    }
    let world = world.restart(says(folder.path(), &[READY, INFECTED])).await;
    assert_eq!(asks(&officer, &dossier).await.code(), "document_infected");
    drop(world);
}

#[tokio::test]
async fn a_process_that_cannot_be_confined_examines_only_where_that_is_allowed() {
    const UNCONFINED: &str = r#"{"said":"ready","antivirus":"Double-1/2","confined":false}"#;
    let folder = tempfile::tempdir().unwrap();
    let settings = says(folder.path(), &[UNCONFINED, CLEAN]);
    let world = World::with(settings.clone()).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(asks(&officer, &dossier).await.code(), "scanner_unconfined");
    assert!(!told(&world).await.contains(&"scan.intent intent".to_owned()), "no key is used");
    let check = world.browser(None).get("/check").await.json();
    assert_eq!(check["checks"]["scanner_confined"], "warn");
    let mut settings = settings;
    settings.scanner.as_mut().unwrap().allow_unconfined = true;
    let world = world.restart(settings).await;
    dossier.assert_opened(&asks(&officer, &dossier).await.json());
    drop(world);
}

#[tokio::test]
async fn a_platform_that_drips_a_document_gives_its_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = says(folder.path(), &[READY, CLEAN]);
    settings.scanner.as_mut().unwrap().patience = std::time::Duration::ZERO;
    let world = World::with(settings).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    world.platform.misbehave(Bad::KeepsParts);
    // Before what it is usually given is over.
    let answered = tokio::time::timeout(std::time::Duration::from_secs(15), asks(&officer, &dossier)).await;
    assert_eq!(answered.unwrap().code(), "platform_too_slow");
    let lines = told(&world).await;
    assert!(lines.contains(&"scan.outcome platform_too_slow".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn without_a_verdict_nothing_leaves() {
    let folder = tempfile::tempdir().unwrap();
    for (lines, code) in [
        (&[r#"{"said":"unavailable"}"#][..], "scanner_unavailable"),
        (&[READY, r#"{"said":"unavailable"}"#], "scanner_unavailable"),
        (&[READY, r#"{"said":"too_large"}"#], "scanner_too_large"),
        (&[READY, r#"{"said":"altered"}"#], "document_altered"),
        (&[READY, r#"{"said":"clean","size":20}"#], "document_altered"),
        (&[READY, READY], "scanner_failed"),
        (&[READY, "clean"], "scanner_failed"),
        (&["Clean"], "scanner_failed"),
    ] {
        let world = World::with(says(folder.path(), lines)).await;
        let (officer, _) = world.officer().await;
        let dossier = SealedDossier::deposit(&world);
        assert_eq!(asks(&officer, &dossier).await.code(), code, "{lines:?}");
        assert!(!told(&world).await.contains(&"unwrap.intent intent".to_owned()), "{lines:?}");
    }
}

#[tokio::test]
async fn the_verdict_is_on_what_the_manifest_names_and_fetched_with_the_reader_s_own_session() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(says(folder.path(), &[READY, CLEAN])).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "scan_reading_needed");
    let mut body = dossier.request();
    body["reading"] = json!("another");
    assert_eq!(officer.post("/v1/unwrap", &body).await.code(), "reading_expired");
    // Under a session that was begun anew it opens: what came to nothing is not kept.
    let renewed = SealedDossier::deposit(&world);
    let mut body = renewed.request();
    body["reading"] = json!("one that has ended");
    assert_eq!(officer.post("/v1/unwrap", &body).await.code(), "reading_expired");
    renewed.assert_opened(&asks(&officer, &renewed).await.json());
    // The platform shows the scanner something else than the depositor sent.
    let file = dossier.manifest.files[0].file_id.to_string();
    world.platform.lock().parts.insert((file, 0), b"something harmless".to_vec());
    assert_eq!(asks(&officer, &dossier).await.code(), "document_altered");
}
