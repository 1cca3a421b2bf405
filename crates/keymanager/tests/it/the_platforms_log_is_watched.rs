//! The platform's log only grows, and states no key in our name that we did not make: else an alarm, once, in our own trace.

use sceau_element_api::documents::KeyStatement;
use sceau_keymanager::Settings;
use sceau_trace::{Action, Actor, ActorKind, Asserted, Record, SignedCheckpoint, sha256};
use serde_json::Value;

use crate::support::world::AssertWell as _;
use crate::support::{Bad, START, SealedDossier, World};

async fn alarms(world: &World) -> Vec<Value> {
    let records = world.administrator().await.get("/v1/records").await.json();
    let records = records.as_array().unwrap();
    records
        .iter()
        .map(|each| each["record"].clone())
        .filter(|record| record["action"] == "log.watch" && record["outcome"] == "refused")
        .collect()
}

#[tokio::test]
async fn our_own_statements_raise_no_alarm() {
    let world = World::connected().await;
    world.manager.rotate().await.unwrap();
    world.manager.tick().await.assert_well();
    assert_eq!(alarms(&world).await, Vec::<Value>::new());
    assert_eq!(world.administrator().await.get("/v1/status").await.json()["foreign_statements"], 0);
}

#[tokio::test]
async fn a_statement_that_we_did_not_make_raises_one_alarm() {
    let world = World::connected().await;
    let row = KeyStatement::row_of(world.organisation, sceau_element_api::documents::KeyUse::Encrypt);
    let attest =
        |id: &str| world.platform.lock().log.attest("key-statement", id, b"forged", Asserted::Organisation).0;
    // Another organisation's is not our business.
    attest("5b0e8a52-7c1f-4e3a-9d42-0f6a1b2c3d4e/encrypt");
    world.manager.tick().await.assert_well();
    assert_eq!(alarms(&world).await.len(), 0);
    let index = attest(row.as_str());
    world.manager.tick().await.assert_well();
    world.manager.tick().await.assert_well();
    let world = world.restart(Settings::default()).await;
    world.manager.tick().await.assert_well();
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(
        (alarm["outcome"].as_str(), alarm["code"].as_str()),
        (Some("refused"), Some("foreign_statement"))
    );
    assert_eq!(alarm["detail"]["log_index"], index.to_string());
    let forged = serde_json::json!([{"kind": "statement", "id": sha256(b"forged").to_string()}]);
    assert_eq!(alarm["subjects"], forged);
    assert_eq!(world.administrator().await.get("/v1/status").await.json()["foreign_statements"], 1);
}

#[tokio::test]
async fn an_organisation_that_is_enrolled_anew_raises_an_alarm() {
    let world = World::connected().await;
    let id = world.organisation.to_string();
    {
        let mut inside = world.platform.lock();
        inside.log.attest("organisation", &id, b"first", Asserted::Passkey);
        let before = Some(sha256(b"first"));
        inside.log.attest_next("organisation", &id, b"second", Asserted::Passkey, before, |record| record);
    }
    world.manager.tick().await.assert_well();
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "organisation_changed");
    assert_eq!(alarm["subjects"], serde_json::json!([]), "it is about no key statement");
    assert_eq!(alarm["detail"]["document"], sha256(b"second").to_string());
}

#[tokio::test]
async fn what_was_verified_is_there_for_an_element_that_starts() {
    let world = World::connected().await;
    let note = world.browser(None).get("/trace/witnessed").await;
    let note = SignedCheckpoint::parse(std::str::from_utf8(&note.body).unwrap()).unwrap();
    let checkpoint = note.verify(&world.platform.log_key()).unwrap();
    assert_eq!(checkpoint.size(), world.platform.lock().log.entries.len() as u64);
}

/// A record as the element takes it in from a key manager.
fn taken_in(world: &World, signed: &[u8]) -> Record {
    let actor = Actor::new(ActorKind::KeyManager, world.organisation.to_string());
    Record::builder(START, actor, Asserted::Organisation, Action::UNWRAP_OUTCOME)
        .granted()
        .organisation(world.organisation.to_string())
        .detail("signed_hash", sha256(signed).to_string())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_record_in_our_name_that_our_trace_lacks_raises_an_alarm() {
    let world = World::connected().await;
    let delivered = world.platform.lock().records.clone();
    assert!(!delivered.is_empty());
    for record in &delivered {
        let taken = taken_in(&world, &record.to_bytes());
        world.platform.lock().log.append(&taken);
    }
    world.manager.tick().await.assert_well();
    assert_eq!(alarms(&world).await.len(), 0, "our own");
    let forged = taken_in(&world, b"signed by whom?");
    world.platform.lock().log.append(&forged);
    world.manager.tick().await.assert_well();
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "foreign_record");
    assert_eq!(alarm["subjects"], serde_json::json!([]), "it is about no key statement");
    let status = world.administrator().await.get("/v1/status").await.json();
    assert_eq!(status["alarms"], serde_json::json!(["folder_outdated", "foreign_record"]));
}

#[tokio::test]
async fn a_copy_that_was_made_anew_elsewhere_is_told_apart() {
    let world = World::connected().await;
    let actor = Actor::new(ActorKind::KeyManager, world.organisation.to_string());
    let elsewhere = Record::builder(START, actor, Asserted::Organisation, Action::BACKUP_RESTORE)
        .granted()
        .organisation(world.organisation.to_string())
        .detail("signed_hash", sha256(b"its own record").to_string())
        .build()
        .unwrap();
    world.platform.lock().log.append(&elsewhere);
    world.manager.tick().await.assert_well();
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "restored_elsewhere");
}

#[tokio::test]
async fn a_record_that_the_platform_took_and_dropped_is_not_in_its_log() {
    let world = World::connected().await;
    let status = async || world.administrator().await.get("/v1/status").await.json();
    let before = status().await;
    assert!(before["records_in_log"].as_u64().unwrap() > 0);
    world.platform.misbehave(Bad::DropsRecords);
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    officer.post("/v1/unwrap", &dossier.request()).await.json();
    world.manager.tick().await.assert_well();
    world.manager.tick().await.assert_well();
    let after = status().await;
    assert_eq!(after["records_in_log"], before["records_in_log"]);
    assert!(after["records"].as_u64() > before["records"].as_u64());
}

#[tokio::test]
async fn a_folder_put_back_from_an_old_copy_notices() {
    let stopped = World::connected().await.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    let copy = tempfile::tempdir().unwrap();
    let (data, old) = (stopped.folder.path().join("data"), copy.path().join("data"));
    copy_folder(&data, &old);
    let world = stopped.start(Settings::default()).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    officer.post("/v1/unwrap", &dossier.request()).await.json();
    world.manager.tick().await.assert_well();
    let delivered = world.platform.lock().records.clone();
    for record in delivered {
        let taken = taken_in(&world, &record.to_bytes());
        world.platform.lock().log.append(&taken);
    }
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    std::fs::remove_dir_all(&data).unwrap();
    copy_folder(&old, &data);
    let world = stopped.start(Settings::default()).await;
    world.manager.tick().await;
    let alarms = alarms(&world).await;
    assert!(alarms.iter().any(|alarm| alarm["code"] == "foreign_record"), "{alarms:?}");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
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

#[tokio::test]
async fn a_log_that_forgets_is_caught_also_after_a_restart() {
    let world = World::connected().await;
    let world = world.restart(Settings::default()).await;
    world.platform.misbehave(Bad::ForgetsLast);
    let ticked = world.manager.tick().await;
    assert_eq!((ticked.failures[0].0, ticked.failures[0].1.code()), ("watch", "platform_log_inconsistent"));
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "log_inconsistent");
}

#[tokio::test]
async fn a_log_that_was_rewritten_at_the_same_size_is_caught() {
    let world = World::connected().await;
    {
        let mut inside = world.platform.lock();
        let last = inside.log.entries.len() - 1;
        inside.log.rewrite(last);
    }
    let ticked = world.manager.tick().await;
    assert_eq!(ticked.failures[0].1.code(), "platform_log_inconsistent");
}

#[tokio::test]
async fn records_other_than_the_checkpoint_s_are_caught_and_read_again() {
    let world = World::connected().await;
    world.platform.lock().log.attest("scheme", "x", b"x", Asserted::Passkey);
    world.platform.misbehave(Bad::ServesOthers);
    let ticked = world.manager.tick().await;
    assert_eq!(ticked.failures[0].1.code(), "platform_log_inconsistent");
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
}

#[tokio::test]
async fn a_long_log_is_read_to_its_end() {
    let world = World::connected().await;
    {
        let mut inside = world.platform.lock();
        for n in 0_u32..600 {
            inside.log.attest("scheme", &n.to_string(), &n.to_be_bytes(), Asserted::Passkey);
        }
        let row = KeyStatement::row_of(world.organisation, sceau_element_api::documents::KeyUse::Sign);
        inside.log.attest("key-statement", row.as_str(), b"forged", Asserted::Organisation);
    }
    world.manager.tick().await.assert_well();
    assert_eq!(alarms(&world).await.len(), 1);
}
