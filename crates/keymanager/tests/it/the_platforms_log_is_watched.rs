//! The platform's log only grows, and states no key in our name that we did not make: else an alarm, once, in our own trace.

use sceau_element_api::documents::KeyStatement;
use sceau_keymanager::Settings;
use sceau_trace::{Asserted, SignedCheckpoint};
use serde_json::Value;

use crate::support::world::AssertWell as _;
use crate::support::{Bad, World};

async fn alarms(world: &World) -> Vec<Value> {
    let records = world.administrator().await.get("/v1/records").await.json();
    let records = records.as_array().unwrap();
    records
        .iter()
        .map(|each| each["record"].clone())
        .filter(|record| record["action"] == "log.watch")
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
        (Some("refused"), Some("foreign-statement"))
    );
    assert_eq!(alarm["detail"]["log-index"], index.to_string());
    assert_eq!(world.administrator().await.get("/v1/status").await.json()["foreign_statements"], 1);
}

#[tokio::test]
async fn an_organisation_that_is_enrolled_anew_raises_an_alarm() {
    let world = World::connected().await;
    let id = world.organisation.to_string();
    {
        let mut inside = world.platform.lock();
        inside.log.attest("organisation", &id, b"first", Asserted::Passkey);
        inside.log.attest_version("organisation", &id, b"second", Asserted::Passkey, 2);
    }
    world.manager.tick().await.assert_well();
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "organisation-changed");
}

#[tokio::test]
async fn what_was_verified_is_there_for_an_element_that_starts() {
    let world = World::connected().await;
    let note = world.browser(None).get("/trace/witnessed").await;
    let note = SignedCheckpoint::parse(std::str::from_utf8(&note.body).unwrap()).unwrap();
    let checkpoint = note.verify(&world.platform.log_key()).unwrap();
    assert_eq!(checkpoint.size(), world.platform.lock().log.entries.len() as u64);
}

#[tokio::test]
async fn a_log_that_forgets_is_caught_also_after_a_restart() {
    let world = World::connected().await;
    let world = world.restart(Settings::default()).await;
    world.platform.misbehave(Bad::ForgetsLast);
    let ticked = world.manager.tick().await;
    assert_eq!((ticked.failures[0].0, ticked.failures[0].1.code()), ("watch", "platform_log_inconsistent"));
    let [alarm] = alarms(&world).await.try_into().unwrap();
    assert_eq!(alarm["code"], "log-inconsistent");
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
