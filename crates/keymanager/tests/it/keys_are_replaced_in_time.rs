//! Made, stated, published, acknowledged, replaced two weeks before expiry, kept while needed: by a clock that tests move.

use sceau_crypto::RecipientSuite;
use sceau_element_api::documents::{KeyStatement, KeySuite, KeyUse};
use sceau_keymanager::{Error, Settings};
use serde_json::Value;

use crate::support::world::AssertWell as _;
use crate::support::{Bad, DAY, START, SealedDossier, World};

fn published(world: &World, key_use: KeyUse) -> Vec<KeyStatement> {
    world.platform.lock().statements.iter().filter(|each| each.key_use == key_use).cloned().collect()
}

async fn keys(world: &World) -> Vec<Value> {
    world.administrator().await.get("/v1/keys").await.json()["keys"].as_array().unwrap().clone()
}

fn states(keys: &[Value], key_use: &str) -> Vec<String> {
    keys.iter()
        .filter(|key| key["use"] == key_use)
        .map(|key| key["state"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_first_keys_are_published_when_it_is_connected() {
    let world = World::connected().await;
    let (encrypt, sign) = (published(&world, KeyUse::Encrypt), published(&world, KeyUse::Sign));
    assert_eq!((encrypt.len(), sign.len()), (1, 1));
    let key = &encrypt[0];
    assert_eq!((key.serial, key.predecessor, key.suite), (1, None, KeySuite::XWing));
    assert_eq!((key.organisation, key.key_manager.clone()), (world.organisation, world.origin()));
    assert_eq!(key.not_after - START, 183 * DAY, "six months");
    assert!(
        key.not_before <= START && START - key.not_before <= 600_000,
        "valid at once, slow clocks included"
    );
    world.manager.tick().await.assert_well();
    assert_eq!(published(&world, KeyUse::Encrypt).len(), 1, "nothing more to do");
    let keys = keys(&world).await;
    assert_eq!(states(&keys, "encrypt"), ["current"]);
    assert!(keys.iter().all(|key| key["index"].is_u64()), "each acknowledged");
}

#[tokio::test]
async fn the_next_key_comes_two_weeks_before_expiry_and_takes_over_at_once() {
    let world = World::connected().await;
    let first = world.statement(KeyUse::Encrypt);
    let old = SealedDossier::deposit(&world);
    world.clock.advance((183 - 14) * DAY - 1);
    world.manager.tick().await.assert_well();
    assert_eq!(published(&world, KeyUse::Encrypt).len(), 1, "not a millisecond early");
    world.clock.advance(1);
    world.manager.tick().await.assert_well();
    let now = START + (183 - 14) * DAY;
    for key_use in [KeyUse::Encrypt, KeyUse::Sign] {
        let [before, next] = published(&world, key_use).try_into().unwrap();
        assert_eq!((next.serial, next.predecessor), (2, Some(before.key_id)));
        assert!(next.is_valid_at(now) && before.is_valid_at(now), "both, for two weeks");
        assert_eq!(next.not_after, now + 183 * DAY);
    }
    assert_eq!(states(&keys(&world).await, "encrypt"), ["retired", "current"]);
    // What was sealed to the old one, and what is sealed to the new one.
    let (officer, _) = world.officer().await;
    old.assert_opened(&officer.post("/v1/unwrap", &old.request()).await.json());
    let new = SealedDossier::deposit(&world);
    assert_ne!(new.manifest.key_id, first.key_id);
    new.assert_opened(&officer.post("/v1/unwrap", &new.request()).await.json());
    // Long after the old one expired, still.
    world.clock.advance(100 * DAY);
    world.manager.tick().await.assert_well();
    old.assert_opened(&officer.post("/v1/unwrap", &old.request()).await.json());
}

#[tokio::test]
async fn an_unreachable_platform_delays_publication_and_nothing_else() {
    let world = World::unconnected(Settings::default()).await;
    world.connect().await;
    world.platform.misbehave(Bad::Away);
    assert!(!world.manager.tick().await.failures.is_empty());
    let world = world.stop().start(Settings::default()).await;
    assert_eq!(states(&keys(&world).await, "sign"), ["next"], "made, and kept");
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    let keys = keys(&world).await;
    assert_eq!(
        (states(&keys, "sign"), states(&keys, "encrypt")),
        (vec!["current".into()], vec!["current".into()])
    );
    assert_eq!(published(&world, KeyUse::Sign).len(), 1, "the one that was made");
}

#[tokio::test]
async fn a_key_that_expired_before_it_was_published_gives_its_serial_to_the_next() {
    let world = World::unconnected(Settings::default()).await;
    world.connect().await;
    world.platform.misbehave(Bad::Away);
    world.manager.tick().await;
    world.clock.advance(184 * DAY);
    world.manager.tick().await;
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    let [key] = published(&world, KeyUse::Sign).try_into().unwrap();
    assert_eq!((key.serial, key.predecessor), (1, None));
    assert_eq!(key.not_after, START + (184 + 183) * DAY);
}

#[tokio::test]
async fn an_acknowledgement_from_another_log_is_refused() {
    let world = World::unconnected(Settings::default()).await;
    world.connect().await;
    world.platform.misbehave(Bad::OtherLog);
    let ticked = world.manager.tick().await;
    let (step, error) = &ticked.failures[0];
    assert_eq!((*step, error.code()), ("keys", "acknowledgement_unproven"));
    let world = world.stop().start(Settings::default()).await;
    assert!(keys(&world).await.iter().all(|key| key["state"] == "next" && key["index"].is_null()));
    let records = world.administrator().await.get("/v1/records").await.json();
    let noted = |record: &Value| record["record"]["code"] == "acknowledgement_unproven";
    assert!(
        records.as_array().unwrap().iter().any(noted),
        "somebody answers in the platform's name: recorded"
    );
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    assert_eq!(states(&keys(&world).await, "sign"), ["current"]);
}

#[tokio::test]
async fn a_platform_that_enrolled_another_root_is_not_connected_to() {
    let world = World::unconnected(Settings::default()).await;
    let other = sceau_crypto::SigningKey::generate().verifying_key().fingerprint();
    world.platform.lock().root = Some(other);
    let error = world.manager.connect(&world.connection()).await.unwrap_err();
    assert!(matches!(error, Error::OtherRoot { .. }), "{error}");
    assert!(!world.manager.is_connected());
}

#[tokio::test]
async fn rsa_gives_way_to_the_hybrid_suite_and_old_dossiers_stay_readable() {
    let rsa = Settings { suite: RecipientSuite::RsaOaep256, ..Settings::default() };
    let world = World::with(rsa).await;
    let old = SealedDossier::deposit(&world);
    assert_eq!(world.statement(KeyUse::Encrypt).suite, KeySuite::RsaOaep256);
    let world = world.restart(Settings::default()).await;
    world.manager.tick().await.assert_well();
    let current = world.statement(KeyUse::Encrypt);
    assert_eq!((current.suite, current.serial), (KeySuite::XWing, 2));
    assert_eq!(published(&world, KeyUse::Sign).len(), 1, "the signing key has nothing to do with it");
    let (officer, _) = world.officer().await;
    for dossier in [old, SealedDossier::deposit(&world)] {
        dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    }
}

#[tokio::test]
async fn an_administrator_may_change_the_key_now() {
    let world = World::connected().await;
    let administrator = world.administrator().await;
    let answer = administrator.post("/v1/keys/rotate", &Value::Null).await.json();
    assert_eq!(states(answer["keys"].as_array().unwrap(), "encrypt"), ["retired", "current"]);
    assert_eq!(world.statement(KeyUse::Encrypt).serial, 2);
    world.platform.misbehave(Bad::Away);
    let answer = administrator.post("/v1/keys/rotate", &Value::Null).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "platform_unreachable"));
    assert_eq!(states(&keys(&world).await, "encrypt"), ["retired", "current", "next"]);
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    assert_eq!(states(&keys(&world).await, "encrypt"), ["retired", "retired", "current"]);
}

#[tokio::test]
async fn an_administrator_withdraws_keys_that_somebody_may_know() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let before = SealedDossier::deposit(&world);
    let administrator = world.administrator().await;
    let unknown = administrator.post("/v1/keys/withdraw", &serde_json::json!({"reason": "because"})).await;
    assert_eq!(unknown.code(), "malformed");
    let asked = serde_json::json!({"reason": "suspected"});
    let answer = administrator.post("/v1/keys/withdraw", &asked).await.json();
    for key_use in ["encrypt", "sign"] {
        assert_eq!(states(answer["keys"].as_array().unwrap(), key_use), ["withdrawn", "current"]);
    }
    for key_use in [KeyUse::Encrypt, KeyUse::Sign] {
        let stated = published(&world, key_use);
        assert_eq!(stated.iter().map(|each| each.withdraws_predecessor).collect::<Vec<_>>(), [false, true]);
    }
    // What was deposited opens, and the records reach the platform under the new key.
    before.assert_opened(&officer.post("/v1/unwrap", &before.request()).await.json());
    world.manager.tick().await.assert_well();
    let told = world.platform.lock().records.clone();
    let told: Vec<_> = told.iter().filter(|record| record.action().as_str() == "key.withdraw").collect();
    assert!(told.len() == 2 && told.iter().all(|record| record.detail()["reason"] == "suspected"));
}

#[tokio::test]
async fn the_server_s_certificate_is_renewed_before_it_expires() {
    let world = World::connected().await;
    let path = world.folder.path().join("data/server.pem");
    let before = std::fs::read(&path).unwrap();
    world.clock.advance(300 * DAY);
    world.manager.tick().await.assert_well();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    world.clock.advance(80 * DAY);
    world.manager.tick().await.assert_well();
    assert_ne!(std::fs::read(&path).unwrap(), before);
    world.clock.advance(60 * DAY);
    // The old one has expired by now: the running server shows the new one.
    assert_eq!(world.browser(None).get("/check").await.json()["status"], "pass");
}

#[tokio::test]
async fn the_check_says_whether_it_can_do_its_work() {
    let world = World::connected().await;
    let nobody = world.browser(None);
    let checked = async |status: u16| {
        let answer = nobody.get("/check").await;
        assert_eq!(answer.status, status);
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    assert_eq!(checked(200).await["status"], "pass");
    world.platform.misbehave(Bad::Away);
    world.clock.advance(183 * DAY);
    let said = checked(503).await;
    assert_eq!((&said["status"], &said["checks"]["keys"]), (&"fail".into(), &"fail".into()));
    world.manager.tick().await;
    assert_eq!(checked(503).await["status"], "fail", "made, and not acknowledged");
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    assert_eq!(checked(200).await["checks"]["keys"], "pass");
    let mut fresh = World::unconnected(Settings::default()).await;
    fresh.serve().await;
    let answer = fresh.browser(None).get("/check").await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn it_is_initialised_once() {
    let world = World::connected().await;
    let fingerprint = world.manager.root_fingerprint();
    let stopped = world.stop();
    let world = stopped.start(Settings::default()).await;
    assert_eq!(world.manager.root_fingerprint(), fingerprint);
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    let again = stopped.initialise("https://other.localhost").await.unwrap_err();
    assert!(matches!(again, Error::AlreadyInitialised(_)), "{again}");
    let bad = [
        "http://cles.localhost",
        "https://cles.localhost/x",
        "https://a:b@cles.localhost",
        "cles.localhost",
        "",
    ];
    for address in bad {
        let elsewhere = World::unconnected(Settings::default()).await.stop();
        assert!(
            matches!(elsewhere.initialise(address).await, Err(Error::Setup { field: "address", .. })),
            "{address}"
        );
    }
}
