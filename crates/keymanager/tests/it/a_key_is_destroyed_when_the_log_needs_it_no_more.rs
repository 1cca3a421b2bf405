//! An old recipient key goes when somebody says so and the platform's log, not its list, shows that no manifest under it is open.

use sceau_element_api::documents::{Decision, DecisionRole, Document as _, KeyStatement, KeyUse, Outcome};
use sceau_element_api::{AccountId, DossierId};
use sceau_keymanager::{Error, Settings};
use sceau_store::{Statement, params};
use sceau_trace::sha256;
use serde_json::Value;

use crate::support::world::AssertWell as _;
use crate::support::{Bad, DAY, SealedDossier, World};

const OPEN: &str = "the log holds a manifest that is sealed to it and not finally decided";
const BEHIND: &str = "the platform's log was not read to its end: ask again in a minute";

async fn why_kept(world: &World, key: &KeyStatement) -> &'static str {
    match world.manager.destroy_key(&key.key_id).await.unwrap_err() {
        Error::KeyNeeded(why) => why,
        other => panic!("{other}"),
    }
}

/// A key that was replaced and expired more than a year ago, a dossier under it that the key manager has not read of yet, and a platform that
/// names none.
async fn long_after() -> (World, KeyStatement, SealedDossier) {
    let world = World::connected().await;
    let key = world.statement(KeyUse::Encrypt);
    world.manager.rotate().await.unwrap();
    world.clock.set(key.not_after + 365 * DAY);
    world.manager.tick().await.assert_well();
    let dossier = SealedDossier::sealed_to(&world, &key.recipient_key().unwrap());
    (world, key, dossier)
}

async fn decide(world: &World, dossier: &SealedDossier, decision: &str) {
    let (officer, _) = world.officer().await;
    let answer = officer.post("/v1/decisions", &dossier.decision(decision, "")).await.json();
    assert_eq!(answer["delivered"], true);
}

#[tokio::test]
async fn a_key_in_use_or_replaced_too_recently_stays() {
    let world = World::with(Settings { retention_ms: 0, ..Settings::default() }).await;
    let key = world.statement(KeyUse::Encrypt);
    assert_eq!(why_kept(&world, &key).await, "it is in use, was destroyed before, or is no recipient key");
    world.clock.set(key.not_after - 1);
    world.manager.rotate().await.unwrap();
    assert_eq!(why_kept(&world, &key).await, "it expired too recently");
    world.clock.advance(60 * DAY - 1);
    let why = why_kept(&world, &key).await;
    assert_eq!(why, "it was replaced too recently: a draft begun before may still arrive");
    world.clock.advance(1);
    world.manager.destroy_key(&key.key_id).await.unwrap();
}

#[tokio::test]
async fn a_platform_that_hides_a_dossier_does_not_get_its_key_destroyed() {
    let (world, key, dossier) = long_after().await;
    assert!(world.platform.lock().in_use.is_empty(), "it names none");
    assert_eq!(why_kept(&world, &key).await, OPEN);
    let records = world.administrator().await.get("/v1/records").await.json();
    let refused = |each: &&Value| each["record"]["action"] == "key.destroy";
    let record = &records.as_array().unwrap().iter().find(refused).unwrap()["record"];
    assert_eq!((record["outcome"].as_str(), record["code"].as_str()), (Some("refused"), Some("key_needed")));
    let keys = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(keys["keys"][0]["open_dossiers"], 1, "shown as well");
    let (officer, _) = world.officer().await;
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    decide(&world, &dossier, "more_information").await;
    assert_eq!(why_kept(&world, &key).await, OPEN, "asking for more decides nothing");
    decide(&world, &dossier, "accepted").await;
    world.manager.destroy_key(&key.key_id).await.unwrap();
}

#[tokio::test]
async fn a_platform_that_shows_its_log_as_it_was_does_not_get_one_destroyed() {
    let (world, key, dossier) = long_after().await;
    decide(&world, &dossier, "refused").await;
    // Whatever it holds back, our own word to destroy is held back with it.
    world.platform.misbehave(Bad::DropsRecords);
    assert_eq!(why_kept(&world, &key).await, BEHIND);
    world.platform.misbehave(Bad::RefusesRecords);
    assert_eq!(why_kept(&world, &key).await, BEHIND);
    world.platform.misbehave(None);
    world.manager.destroy_key(&key.key_id).await.unwrap();
}

#[tokio::test]
async fn a_manifest_that_replaces_another_is_decided_in_its_place() {
    let (world, key, first) = long_after().await;
    decide(&world, &first, "more_information").await;
    let mut second = first.clone();
    second.manifest.created += 1;
    second.payload = second.manifest.to_bytes().unwrap();
    let before = Some(sha256(&first.payload));
    second.evidence = world.platform.lock().log.attest_manifest(&second.manifest, &second.payload, before).1;
    assert_eq!(why_kept(&world, &key).await, OPEN);
    decide(&world, &second, "accepted").await;
    world.manager.destroy_key(&key.key_id).await.unwrap();
}

#[tokio::test]
async fn a_decision_that_we_did_not_sign_ends_nothing_and_raises_an_alarm() {
    let (world, key, dossier) = long_after().await;
    let forged = Decision {
        v: 1,
        dossier: dossier.manifest.dossier,
        organisation: world.organisation,
        manifest_hash: sha256(&dossier.payload),
        decision: Outcome::Refused,
        reason: String::new(),
        decided_by: AccountId::random(),
        connector: None,
        role: DecisionRole::CaseOfficer,
        time: crate::support::START,
    };
    world.platform.lock().log.attest_decision(&forged, &forged.to_bytes().unwrap());
    assert_eq!(why_kept(&world, &key).await, OPEN);
    let status = world.administrator().await.get("/v1/status").await.json();
    assert_eq!(status["alarms"], serde_json::json!(["foreign_decision"]));
}

#[tokio::test]
async fn what_the_platform_names_counts_as_well() {
    let (world, key, dossier) = long_after().await;
    decide(&world, &dossier, "accepted").await;
    let draft = DossierId::random().to_string();
    world.platform.lock().in_use = vec![(draft, key.key_id.to_string())];
    assert_eq!(why_kept(&world, &key).await, "a dossier is sealed to it");
    world.platform.misbehave(Bad::Away);
    assert_eq!(why_kept(&world, &key).await, BEHIND, "unknown is not unneeded");
}

#[tokio::test]
async fn only_an_act_destroys_it_and_what_it_opened_is_closed() {
    let (world, key, dossier) = long_after().await;
    decide(&world, &dossier, "accepted").await;
    world.manager.tick().await.assert_well();
    let (officer, _) = world.officer().await;
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    let path = format!("/v1/keys/{}/destroy", key.key_id);
    let answer = world.administrator().await.post(&path, &Value::Null).await.json();
    let encrypt = answer["keys"].as_array().unwrap().iter().find(|each| each["use"] == "encrypt");
    assert_eq!(encrypt.unwrap()["state"], "destroyed");
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "key_not_kept");
    let world = world.restart(Settings::default()).await;
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "key_not_kept");
    let answer = world.administrator().await.post("/v1/keys/00/destroy", &Value::Null).await;
    assert_eq!(answer.code(), "not_found");
}

#[tokio::test]
async fn what_a_crash_cut_short_is_finished_when_it_is_asked_for_again() {
    let (world, key, dossier) = long_after().await;
    decide(&world, &dossier, "accepted").await;
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    // The keystore had done its part, the database not yet.
    let keys = stopped.folder.path().join("data/keystore/keys");
    let file = std::fs::read_dir(keys).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.to_str().unwrap().contains("encrypt-1-")).unwrap();
    std::fs::remove_file(file).unwrap();
    let world = stopped.start(Settings::default()).await;
    world.manager.destroy_key(&key.key_id).await.unwrap();
    let keys = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(keys["keys"][0]["state"], "destroyed");
}

#[tokio::test]
async fn a_log_that_was_read_before_manifests_were_kept_is_read_again() {
    let (world, key, _) = long_after().await;
    world.manager.tick().await.assert_well();
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    let database = stopped.database().await;
    for before in ["DELETE FROM manifest", "UPDATE watched SET reading = 0"] {
        assert_eq!(database.execute(Statement::new("EDIT", before), params![]).await.unwrap(), 1);
    }
    let world = stopped.start(Settings::default()).await;
    assert_eq!(why_kept(&world, &key).await, OPEN);
}

#[tokio::test]
async fn a_destruction_has_a_certificate_that_is_checked_without_us() {
    let (world, key, dossier) = long_after().await;
    let administrator = world.administrator().await;
    let path = format!("/v1/keys/{}/certificate", key.key_id);
    assert_eq!(administrator.get(&path).await.code(), "unknown_key", "it is not destroyed");
    decide(&world, &dossier, "accepted").await;
    world.manager.tick().await.assert_well();
    world.manager.destroy_key(&key.key_id).await.unwrap();
    let file = administrator.get(&path).await.body;
    let evidence = sceau_trace::Evidence::parse(&file).unwrap();
    let record = evidence.verify(Some(world.manager.log_key())).unwrap().record;
    assert_eq!((record.action().as_str(), record.outcome()), ("key.destroy", sceau_trace::Outcome::Granted));
    assert_eq!(record.subjects()[0].id, key.key_id.to_string());
    assert_eq!(record.detail()["manifests"], "1");
    assert_eq!(record.detail()["grounds"], "replaced_expired_and_no_open_manifest");
}
