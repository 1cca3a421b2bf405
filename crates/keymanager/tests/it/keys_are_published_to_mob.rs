//! The key manager beside a stand-in of Mon Compte Mobilité that was written from its interface and checks each field: published, replaced in time,
//! tried again, and never given up while documents may need it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sceau_keymanager::{MobSettings, Settings, TransitSettings};
use sceau_pki::CertificateRole;
use sceau_store::judge::StandIn;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::world::AssertWell as _;
use crate::support::{DAY, World};

const FUNDER: &str = "0b6b8f1e-7a3c-4d5e-9f00-1234567890ab";
const OTHER: &str = "other-funder";

struct Stage {
    mob: StandIn,
    folder: TempDir,
}

impl Stage {
    fn start() -> Self {
        let mob = StandIn::start("servers_mob.py", &["CLIENT", "sesame", FUNDER, OTHER]).unwrap();
        let folder = TempDir::new().unwrap();
        secret(&folder.path().join("secret"), "sesame\n", 0o600);
        Self { mob, folder }
    }

    fn settings(&self, export: bool) -> Settings {
        let origin = format!("http://127.0.0.1:{}", self.mob.port());
        let mob = MobSettings {
            token_url: format!("{origin}/auth/realms/mcm/protocol/openid-connect/token"),
            api: origin,
            client_id: "CLIENT".to_owned(),
            client_secret_file: self.folder.path().join("secret"),
            funders: vec![FUNDER.to_owned()],
            ..MobSettings::default()
        };
        let transit = Some(TransitSettings { export, ..Default::default() });
        Settings { transit, mob: Some(mob), ..Settings::default() }
    }

    fn taken(&self, funder: &str) -> Vec<Value> {
        let keys: Value = serde_json::from_str(&self.mob.ask("keys")).unwrap();
        keys[funder].as_array().cloned().unwrap_or_default()
    }

    fn assert_no_complaint(&self) {
        assert_eq!(self.mob.ask("complaints"), "[]");
    }
}

fn secret(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

async fn records(world: &World) -> String {
    world.administrator().await.get("/v1/records").await.json().to_string()
}

/// Ticks until the back-off is over.
async fn later(world: &World) {
    world.clock.advance(6 * 60 * 1000);
    world.manager.tick().await.assert_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_only_uses_mob_is_well_without_a_platform() {
    let stage = Stage::start();
    let mut world = World::unconnected(stage.settings(true)).await;
    world.serve().await;
    let check = async |world: &World| -> Value {
        serde_json::from_slice(&world.browser(None).get("/check").await.body).unwrap()
    };
    let before = check(&world).await;
    assert_eq!((&before["status"], &before["checks"]["mob"]), (&json!("fail"), &json!("fail")));
    world.manager.tick().await.assert_well();
    let after = check(&world).await;
    assert_eq!((&after["status"], &after["checks"]["mob"]), (&json!("pass"), &json!("pass")), "{after}");
    assert!(after["checks"]["connected"].is_null() && after["checks"]["keys"].is_null());
    // Who has no MOB either is told to connect.
    let mut world = World::unconnected(Settings::default()).await;
    world.serve().await;
    let alone = check(&world).await;
    assert_eq!((&alone["status"], &alone["checks"]["connected"]), (&json!("fail"), &json!("fail")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_reaches_mob_with_every_field_and_its_private_half_is_where_it_says() {
    let stage = Stage::start();
    stage.mob.ask("no-hr");
    let world = World::with(stage.settings(true)).await;
    stage.assert_no_complaint();
    let [key] = stage.taken(FUNDER).try_into().unwrap();
    assert_eq!((&key["version"], &key["expirationDate"]), (&json!(1), &json!("2027-05-20T12:00:00Z")));
    let url = key["privateKeyAccess"]["getKeyURL"].as_str().unwrap();
    let path = url.strip_prefix(&world.origin()).unwrap();
    // The page's part: log in, fetch; the public half of what leaves is what was published.
    let made = world.certificate(CertificateRole::CaseOfficer).await;
    let account = sceau_element_api::AccountId::random();
    world.bind(&made, account, sceau_element_api::documents::DecisionRole::CaseOfficer).await;
    let officer = world.browser(Some(&made));
    let login = officer.post("/v1/auth/cert/login", &json!({})).await.json();
    let token = login["auth"]["client_token"].as_str().unwrap();
    let data = officer.with_header("x-vault-token", token).get(path).await.json();
    let pem = data["data"]["keys"]["1"].as_str().unwrap();
    let private = sceau_crypto::mob::MobPrivateKey::from_pem(pem).unwrap();
    assert_eq!(private.public().to_pem(), key["publicKey"].as_str().unwrap());
    // Once, and in the trace.
    later(&world).await;
    assert_eq!(stage.taken(FUNDER).len(), 1);
    let records = records(&world).await;
    assert!(records.contains("mob-2022") && records.contains(FUNDER) && !records.contains("sesame"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_opt_in_it_does_not_say_where_a_private_key_would_be() {
    let stage = Stage::start();
    let _world = World::with(stage.settings(false)).await;
    let [key] = stage.taken(FUNDER).try_into().unwrap();
    assert_eq!(key.get("privateKeyAccess"), None);
    stage.assert_no_complaint();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_replaced_on_the_168th_day_and_the_one_before_stays() {
    let stage = Stage::start();
    let world = World::with(stage.settings(true)).await;
    world.clock.advance(168 * DAY - 1000);
    world.manager.tick().await.assert_well();
    assert_eq!(stage.taken(FUNDER).len(), 1);
    world.clock.advance(2000);
    world.manager.tick().await.assert_well();
    let [first, second] = stage.taken(FUNDER).try_into().unwrap();
    assert_eq!(second["version"], 2);
    assert!(first["id"] != second["id"] && first["publicKey"] != second["publicKey"]);
    stage.assert_no_complaint();
    // Neither raising the least version, nor trimming, nor deleting gives up what a document may need.
    let admin = world.administrator().await;
    let login = admin.post("/v1/auth/cert/login", &json!({})).await.json();
    let admin = admin.with_header("x-vault-token", login["auth"]["client_token"].as_str().unwrap());
    let raise = json!({"min_decryption_version": 2, "min_encryption_version": 2, "deletion_allowed": true});
    assert_eq!(admin.post("/v1/transit/keys/CLIENT/config", &raise).await.status, 400);
    let allow = json!({"min_encryption_version": 1, "deletion_allowed": true});
    assert_eq!(admin.post("/v1/transit/keys/CLIENT/config", &allow).await.status, 204);
    let refused = admin.send("DELETE", "/v1/transit/keys/CLIENT", b"").await;
    assert_eq!(refused.status, 400);
    assert!(String::from_utf8_lossy(&refused.body).contains("retention"));
    let shown = world.administrator().await.get("/v1/keys").await.json();
    assert_eq!(shown["mob"]["versions"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mob_away_or_refusing_is_tried_again_told_and_recorded_once() {
    let stage = Stage::start();
    stage.mob.ask("refuse 12");
    let world = World::with(stage.settings(true)).await;
    for _ in 0..11 {
        later(&world).await;
    }
    let alerts = async || world.administrator().await.get("/v1/keys").await.json()["alerts"].to_string();
    assert!(alerts().await.contains("mob_key_not_taken"), "{}", alerts().await);
    assert_eq!(records(&world).await.matches("mob_refused").count(), 1);
    later(&world).await;
    later(&world).await;
    assert_eq!(stage.taken(FUNDER).len(), 1);
    assert!(!alerts().await.contains("mob_key_not_taken"));
    // Away, and the process killed meanwhile: nothing is forgotten.
    stage.mob.ask("away 2");
    world.clock.advance(168 * DAY);
    world.manager.tick().await.assert_well();
    let world = world.restart(stage.settings(true)).await;
    later(&world).await;
    later(&world).await;
    assert_eq!(stage.taken(FUNDER).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_funder_gets_the_key_and_a_secret_that_others_read_is_not_used() {
    let stage = Stage::start();
    let path = stage.folder.path().join("secret");
    secret(&path, "sesame", 0o644);
    let world = World::with(stage.settings(true)).await;
    assert_eq!(stage.taken(FUNDER).len(), 0);
    secret(&path, "sesame", 0o600);
    later(&world).await;
    assert_eq!(stage.taken(FUNDER).len(), 1);
    let mut settings = stage.settings(true);
    settings.mob.as_mut().unwrap().funders.push(OTHER.to_owned());
    let world = world.restart(settings).await;
    world.manager.tick().await.assert_well();
    assert_eq!((stage.taken(FUNDER).len(), stage.taken(OTHER).len()), (1, 1));
}
