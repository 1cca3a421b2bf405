//! What becomes due is told in time: on the page, to whoever asks /check, in the trace, once each.

use sceau_element_api::AccountId;
use sceau_element_api::documents::DecisionRole;
use sceau_keymanager::{NewBackup, Settings};
use sceau_pki::CertificateRole;
use serde_json::{Value, json};

use crate::support::world::AssertWell as _;
use crate::support::{Bad, DAY, World};

async fn alerts(world: &World) -> Vec<String> {
    let answer = world.administrator().await.get("/v1/keys").await.json();
    let kinds =
        answer["alerts"].as_array().unwrap().iter().map(|alert| alert["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

async fn recorded(world: &World, kind: &str) -> usize {
    let records = world.administrator().await.get("/v1/records").await.json();
    let of_kind =
        |each: &&Value| each["record"]["action"] == "calendar.alert" && each["record"]["code"] == kind;
    records.as_array().unwrap().iter().filter(of_kind).count()
}

#[tokio::test]
async fn a_fresh_key_manager_has_nothing_due() {
    let world = World::connected().await;
    assert_eq!(alerts(&world).await, Vec::<String>::new());
    let check = world.browser(None).get("/check").await.json();
    assert_eq!((&check["status"], &check["checks"]["calendar"]), (&"pass".into(), &"pass".into()));
    let shown = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(shown["acknowledged_by"], world.platform.log_key().name());
    assert!(shown["keys"][0]["acknowledged"].as_u64().is_some());
}

#[tokio::test]
async fn a_key_that_the_platform_does_not_take_is_told_once_and_forgotten_when_it_does() {
    let world = World::connected().await;
    world.platform.misbehave(Bad::Away);
    // Within the lead, the next keys are made, and wait.
    world.clock.advance(170 * DAY);
    world.manager.tick().await;
    world.clock.advance(DAY);
    world.manager.tick().await;
    world.manager.tick().await;
    assert!(alerts(&world).await.contains(&"key_not_acknowledged".to_owned()));
    assert_eq!(
        recorded(&world, "key_not_acknowledged").await,
        1,
        "told once: the other one is made when it is taken"
    );
    let check = world.browser(None).get("/check").await.json();
    assert_eq!((&check["status"], &check["checks"]["calendar"]), (&"pass".into(), &"warn".into()));
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    assert!(!alerts(&world).await.contains(&"key_not_acknowledged".to_owned()));
}

#[tokio::test]
async fn a_key_without_a_successor_two_weeks_before_its_end_is_told() {
    // The policy's lead is shorter than the notice.
    let world = World::with(Settings { lead_ms: DAY, ..Settings::default() }).await;
    world.clock.advance(169 * DAY);
    world.manager.tick().await.assert_well();
    assert!(!alerts(&world).await.contains(&"next_key_not_published".to_owned()));
    world.clock.advance(2 * DAY);
    world.manager.tick().await.assert_well();
    assert_eq!(recorded(&world, "next_key_not_published").await, 2);
}

#[tokio::test]
async fn an_officer_s_certificate_that_soon_ends_is_told_while_it_is_bound() {
    let world = World::connected().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
    world.clock.advance(355 * DAY);
    world.manager.tick().await.assert_well();
    let told = world.administrator().await.get("/v1/keys").await.json();
    let told: Vec<&Value> = told["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|alert| alert["kind"] == "client_certificate_expires")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["subject"], json!(certificate.fingerprint));
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    assert!(!alerts(&world).await.contains(&"client_certificate_expires".to_owned()));
}

#[tokio::test]
async fn a_backup_that_is_too_old_or_was_never_made_is_told_until_one_is_made() {
    let world = World::connected().await;
    world.clock.advance(32 * DAY);
    world.manager.tick().await.assert_well();
    assert_eq!(alerts(&world).await, ["backup_old"]);
    let new = NewBackup { threshold: 2, custodians: 3, policy: None };
    let made = world.manager.back_up(&new, &world.folder.path().join("backup")).await.unwrap();
    assert_eq!(made.shares.len(), 3);
    world.manager.tick().await.assert_well();
    assert_eq!(alerts(&world).await, Vec::<String>::new());
    let shown = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(shown["backup"]["backup"], made.note.backup.to_string());
    assert_eq!(recorded(&world, "backup_old").await, 1);
}
