//! A folder that was put back from an older day opens nothing, whoever put it back: the platform's log is compared at every start.

use std::path::Path;

use sceau_keymanager::{Settings, Terms, TransitSettings};
use sceau_pki::CertificateRole;
use sceau_trace::Asserted;
use serde_json::{Value, json};

use crate::support::world::{AssertWell as _, Stopped};
use crate::support::{Bad, Browser, SealedDossier, World};

fn copy_folder(from: &Path, to: &Path) {
    sceau_hsm::durable::secret_folder(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What an old folder still knows.
struct Put {
    stopped: Stopped,
    officer: Browser,
    dossier: SealedDossier,
}

/// A folder of before a withdrawal that the platform was told of, in the place of the newest.
async fn put_back(settings: Settings) -> Put {
    let world = World::with(settings.clone()).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let stopped = world.stop();
    drop(stopped.open(settings.clone()).await.unwrap());
    let copy = tempfile::tempdir().unwrap();
    let (data, old) = (stopped.folder.path().join("data"), copy.path().join("data"));
    copy_folder(&data, &old);
    let world = stopped.start(settings.clone()).await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    world.manager.tick().await.assert_well();
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    let stopped = world.stop();
    drop(stopped.open(settings).await.unwrap());
    std::fs::remove_dir_all(&data).unwrap();
    copy_folder(&old, &data);
    Put { stopped, officer, dossier }
}

#[tokio::test]
async fn it_is_found_out_before_the_first_key_leaves_and_taken_up_by_name() {
    let Put { stopped, officer, dossier } = put_back(Settings::default()).await;
    let world = stopped.start(Settings::default()).await;
    // Nobody ticked yet: the first request compares.
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "folder_outdated");
    let decided = officer.post("/v1/decisions", &dossier.decision("accepted", "")).await;
    assert_eq!(decided.code(), "folder_outdated");
    let check: Value = serde_json::from_slice(&world.browser(None).get("/check").await.body).unwrap();
    assert_eq!((&check["status"], &check["checks"]["log"]), (&"fail".into(), &"fail".into()));
    let status = world.administrator().await.get("/v1/status").await.json();
    assert_eq!(status["alarms"], json!(["folder_outdated", "foreign_record"]));
    // Each start again, though what is foreign was read before.
    let world = world.restart(Settings::default()).await;
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "folder_outdated");
    let stopped = world.stop();
    let manager = stopped.open(Settings::default()).await.unwrap();
    let refused = taken_up(&manager, Terms::default()).await.unwrap_err();
    assert_eq!(refused.code(), "restore_behind");
    let restored = taken_up(&manager, Terms { accept_loss: true, ..Terms::default() }).await.unwrap();
    assert!(restored.missing.unwrap().records >= 3);
    drop(manager);
    let world = stopped.start(Settings::default()).await;
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    // It stays so, also where the log is read again from its beginning.
    world.platform.lock().log.attest("scheme", "x", b"x", Asserted::Passkey);
    world.platform.misbehave(Bad::ServesOthers);
    assert_eq!(world.manager.tick().await.failures[0].1.code(), "platform_log_inconsistent");
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
}

async fn taken_up(
    manager: &sceau_keymanager::KeyManager,
    terms: Terms,
) -> Result<sceau_keymanager::Restored, sceau_keymanager::Error> {
    loop {
        match manager.take_up(terms).await {
            // The server's task is still ending.
            Err(error) if error.code() == "restore_still_runs" => tokio::task::yield_now().await,
            taken_up => return taken_up,
        }
    }
}

#[tokio::test]
async fn what_the_newest_took_from_people_stays_taken() {
    let world = World::connected().await;
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    let copy = tempfile::tempdir().unwrap();
    let (data, old) = (stopped.folder.path().join("data"), copy.path().join("data"));
    let world = stopped.start(Settings::default()).await;
    let certificate = world.certificate(CertificateRole::Administrator).await;
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    copy_folder(&data, &old);
    let world = stopped.start(Settings::default()).await;
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    world.manager.tick().await.assert_well();
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    std::fs::remove_dir_all(&data).unwrap();
    copy_folder(&old, &data);
    let manager = stopped.open(Settings::default()).await.unwrap();
    taken_up(&manager, Terms { accept_loss: true, ..Terms::default() }).await.unwrap();
    drop(manager);
    let world = stopped.start(Settings::default()).await;
    let answer = world.browser(Some(&certificate)).get("/v1/keys").await;
    assert_eq!(answer.code(), "certificate_withdrawn");
}

#[tokio::test]
async fn a_log_that_is_not_shown_whole_lets_no_key_leave() {
    let Put { stopped, officer, dossier } = put_back(Settings::default()).await;
    let asks = async || officer.post("/v1/unwrap", &dossier.request()).await.code();
    let before = {
        let database = stopped.database().await;
        let read = sceau_store::Statement::new("READ", "SELECT checkpoint FROM watched");
        let note: String = database.fetch_one(read, &[]).await.unwrap().get("checkpoint").unwrap();
        sceau_trace::SignedCheckpoint::parse(&note)
            .unwrap()
            .verify(&stopped.platform.log_key())
            .unwrap()
            .size()
    };
    stopped.platform.misbehave(Bad::Away);
    let world = stopped.start(Settings::default()).await;
    assert_eq!(asks().await, "log_not_compared");
    let check = world.browser(None).get("/check").await.json();
    assert_eq!(check["checks"]["log"], "warn");
    // An old log hides what came after, and cannot hold a record of now.
    world.platform.misbehave(Bad::ShowsOld(usize::try_from(before).unwrap()));
    assert_eq!(asks().await, "log_not_compared");
    world.platform.misbehave(None);
    assert_eq!(asks().await, "folder_outdated");
}

#[tokio::test]
async fn a_start_without_the_platform_opens_once_it_answers() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    world.platform.misbehave(Bad::Away);
    let world = world.restart(Settings::default()).await;
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "log_not_compared");
    world.platform.misbehave(Bad::DropsRecords);
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "log_not_compared");
    world.platform.misbehave(None);
    let world = world.restart(Settings::default()).await;
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    // Compared once since the start, it opens with the platform away.
    world.platform.misbehave(Bad::Away);
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
}

#[tokio::test]
async fn transit_keys_stay_too() {
    let settings = Settings {
        transit: Some(TransitSettings { export: true, ..TransitSettings::default() }),
        ..Settings::default()
    };
    let Put { stopped, .. } = put_back(settings.clone()).await;
    let world = stopped.start(settings).await;
    let administrator = world.administrator().await;
    let login = administrator.post("/v1/auth/cert/login", &json!({})).await.json();
    let token = login["auth"]["client_token"].as_str().unwrap();
    let client = administrator.with_header("x-vault-token", token);
    world.manager.tick().await;
    let refused = client.post("/v1/transit/keys/one", &json!({})).await;
    assert_eq!(refused.status, 503);
    assert!(String::from_utf8_lossy(&refused.body).contains("take-up"));
}
