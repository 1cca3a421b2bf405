//! A new root is made here, enrolled by the platform's administrator, and takes over when the log shows it: what the old one sealed stays readable.

use sceau_crypto::{Fingerprint, SigningKey};
use sceau_element_api::documents::{KeyStatement, KeyUse};
use sceau_keymanager::Settings;
use serde_json::{Value, json};

use crate::support::world::AssertWell as _;
use crate::support::{Bad, FakePlatform, SealedDossier, World};

fn enrol(world: &World, root: &Fingerprint) {
    let mut inside = world.platform.lock();
    inside.root = Some(*root);
    inside.log.enrol(world.organisation, root);
}

async fn alarms(world: &World) -> Value {
    world.administrator().await.get("/v1/status").await.json()["alarms"].clone()
}

fn published(world: &World, key_use: KeyUse) -> Vec<KeyStatement> {
    world.platform.lock().statements.iter().filter(|each| each.key_use == key_use).cloned().collect()
}

#[tokio::test]
async fn it_takes_over_when_the_log_shows_it_and_old_dossiers_stay_readable() {
    let world = World::connected().await;
    let (old_root, dossier) = (world.manager.root_fingerprint(), SealedDossier::deposit(&world));
    let made = world.administrator().await.post("/v1/root", &json!({})).await.json();
    assert_eq!(made["root_fingerprint"], old_root.to_string());
    let new_root: Fingerprint = made["next_root_fingerprint"].as_str().unwrap().parse().unwrap();
    assert_ne!(new_root, old_root);
    assert_eq!(world.manager.new_root().await.unwrap(), new_root, "one waits at a time");
    let world = world.restart(Settings::default()).await;
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), old_root, "not before it is enrolled");
    let shown = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(shown["next_root_fingerprint"], new_root.to_string());

    enrol(&world, &new_root);
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), new_root);
    for key_use in [KeyUse::Encrypt, KeyUse::Sign] {
        let [before, next] = published(&world, key_use).try_into().unwrap();
        assert_eq!((before.root(), next.root()), (Some(old_root), Some(new_root)));
        assert_eq!(
            (next.serial, next.predecessor),
            (2, Some(before.key_id)),
            "it goes on where the old one ended"
        );
    }
    let world = world.restart(Settings::default()).await;
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), new_root);
    assert_eq!(alarms(&world).await, json!([]), "our own");
    let shown = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(
        (&shown["keys"][0]["state"], &shown["keys"][1]["state"]),
        (&json!("retired"), &json!("current"))
    );
    let (officer, _) = world.officer().await;
    for dossier in [dossier, SealedDossier::deposit(&world)] {
        dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
        let decided = officer.post("/v1/decisions", &dossier.decision("accepted", "")).await.json();
        assert_eq!(decided["delivered"], true);
    }
}

#[tokio::test]
async fn another_one_than_ours_or_an_old_one_put_back_raises_an_alarm() {
    let world = World::connected().await;
    let old_root = world.manager.root_fingerprint();
    let new_root = world.manager.new_root().await.unwrap();
    let foreign = SigningKey::generate().verifying_key().fingerprint();
    world.platform.lock().log.enrol(world.organisation, &foreign);
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), old_root);
    assert_eq!(alarms(&world).await, json!(["organisation_changed"]));

    let world = World::connected().await;
    let old_root = world.manager.root_fingerprint();
    let ours = world.manager.new_root().await.unwrap();
    assert_ne!(ours, new_root);
    enrol(&world, &ours);
    world.manager.tick().await.assert_well();
    assert_eq!(alarms(&world).await, json!([]));
    world.platform.lock().log.enrol(world.organisation, &old_root);
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), ours);
    assert_eq!(alarms(&world).await, json!(["organisation_changed"]));
}

#[tokio::test]
async fn a_key_that_the_old_root_stated_and_nobody_took_gives_its_serial_to_the_new_one() {
    let world = World::connected().await;
    let new_root = world.manager.new_root().await.unwrap();
    world.platform.misbehave(Bad::Away);
    assert!(world.manager.rotate().await.is_err(), "made, and not acknowledged");
    world.platform.misbehave(None);
    enrol(&world, &new_root);
    // The first tick finds the key refused, for its root is not enrolled any more; it reads the log, and goes on.
    world.manager.tick().await;
    world.manager.tick().await.assert_well();
    let [_, next] = published(&world, KeyUse::Encrypt).try_into().unwrap();
    assert_eq!((next.serial, next.root()), (2, Some(new_root)));
}

#[tokio::test]
async fn records_that_the_platform_serves_and_the_log_does_not_hold_change_nothing() {
    let world = World::connected().await;
    let old_root = world.manager.root_fingerprint();
    let new_root = world.manager.new_root().await.unwrap();
    world.platform.lock().log.attest("scheme", "x", b"x", sceau_trace::Asserted::Passkey);
    world.platform.misbehave(Bad::ServesEnrolment(new_root));
    let ticked = world.manager.tick().await;
    assert_eq!(ticked.failures[0].1.code(), "platform_log_inconsistent");
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.root_fingerprint(), old_root);
}

#[tokio::test]
async fn the_log_of_a_platform_that_is_connected_later_is_held_to_the_roots_anew() {
    let mut world = World::connected().await;
    let ours = world.manager.new_root().await.unwrap();
    enrol(&world, &ours);
    world.manager.tick().await.assert_well();
    let index = world
        .platform
        .lock()
        .log
        .entries
        .iter()
        .position(|entry| String::from_utf8_lossy(entry).contains(&ours.to_string()));

    // The other platform enrols a root that is not ours, at the very place where the first one enrolled ours.
    world.platform = FakePlatform::start().await;
    world.platform.lock().root = Some(ours);
    world.connect().await;
    let foreign = SigningKey::generate().verifying_key().fingerprint();
    {
        let mut inside = world.platform.lock();
        for _ in 0..index.unwrap() {
            inside.log.attest("scheme", "x", b"x", sceau_trace::Asserted::Passkey);
        }
        let at = inside.log.enrol(world.organisation, &foreign);
        assert_eq!(usize::try_from(at).ok(), index);
    }
    world.manager.tick().await;
    assert_eq!(world.manager.root_fingerprint(), ours);
    assert_eq!(alarms(&world).await, json!(["organisation_changed"]));
}
