//! A key manager whose keys are in somebody else's Vault: a stand-in that was written from its interface. It opens while the Vault lets it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sceau_hsm::{VaultLogin, VaultSettings};
use sceau_keymanager::{Error, Settings, Setup};
use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile, Issued, ServerProfile};
use sceau_store::judge::StandIn;
use sceau_store::{Clock as _, SystemClock};

use crate::support::world::{AssertWell as _, unlock};
use crate::support::{SealedDossier, World};

fn write(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The Vault, and how to reach it. It verifies and is verified by the machine's clock.
fn vault(folder: &Path) -> (StandIn, VaultSettings) {
    let now = SystemClock.now_ms();
    let authority = Authority::create(&AuthorityProfile::of("Tests"), now).unwrap();
    let pem = |issued: &Issued| format!("{}{}", issued.key().to_pem().as_str(), issued.chain_pem());
    let server = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now).unwrap();
    let client =
        authority.issue_client(&ClientProfile::new("keys", CertificateRole::Connector), now).unwrap();
    let own = write(&folder.join("server.pem"), &pem(&server));
    let anchors = write(&folder.join("ca.pem"), &authority.certificate().to_pem());
    write(&folder.join("client.pem"), &pem(&client));
    let vault = StandIn::start("servers_vault.py", &[&own, &anchors, "role", "sesame"]).unwrap();
    let settings = VaultSettings {
        address: format!("https://localhost:{}", vault.port()),
        authorities: folder.join("ca.pem"),
        mount: "transit".to_owned(),
        prefix: "sceau-".to_owned(),
        login: VaultLogin::Certificate { identity: folder.join("client.pem"), role: None },
        maker: None,
        timeout_ms: 10_000,
    };
    (vault, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_publishes_opens_and_decides_and_stops_while_the_vault_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, settings) = vault(folder.path());
    let settings = Settings { vault: Some(settings), ..Settings::default() };
    let world = World::with(settings.clone()).await;
    assert!(!world.folder.path().join("data/keystore").exists(), "nothing is kept in files of ours");
    for key in ["sceau-organisation-root", "sceau-sealing", "sceau-state", "sceau-trace"] {
        assert!(vault.ask("keys").contains(key), "{key} of {}", vault.ask("keys"));
    }
    let dossier = SealedDossier::deposit(&world);
    let (officer, _) = world.officer().await;
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    vault.ask("seal");
    let refused = officer.post("/v1/unwrap", &dossier.request()).await;
    assert_eq!((refused.status, refused.code().as_str()), (500, "internal"));
    assert!(!String::from_utf8_lossy(&refused.body).contains("cek"));
    vault.ask("unseal");
    // As after a restart.
    let world = world.restart(settings).await;
    world.manager.tick().await.assert_well();
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    let answer = officer.post("/v1/decisions", &dossier.decision("accepted", "")).await.json();
    assert_eq!(answer["delivered"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_vaults_administrator_lets_out_later_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, settings) = vault(folder.path());
    let settings = Settings { vault: Some(settings), ..Settings::default() };
    let world = World::with(settings.clone()).await;
    let told = async |world: &World| {
        let shown = world.administrator().await.get("/v1/keys").await.json();
        let alerts = shown["alerts"].as_array().unwrap().clone();
        let kinds = alerts.into_iter().filter(|alert| alert["kind"] == "key_may_leave");
        kinds.map(|alert| alert["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    vault.ask("export sceau-organisation-root");
    world.clock.advance(3600 * 1000 - 1);
    world.manager.tick().await.assert_well();
    assert_eq!(told(&world).await, Vec::<String>::new(), "at most once an hour");
    world.clock.advance(1);
    world.manager.tick().await.assert_well();
    assert_eq!(told(&world).await, ["vault:organisation-root"]);
    let records = world.administrator().await.get("/v1/records").await.json().to_string();
    assert_eq!(records.matches("key_may_leave").count(), 1, "{records}");
    // At a start at once.
    vault.ask("import sceau-trace");
    let world = world.restart(settings).await;
    world.manager.tick().await.assert_well();
    assert_eq!(told(&world).await, ["vault:organisation-root", "vault:trace"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_in_files_are_not_buried() {
    let folder = tempfile::tempdir().unwrap();
    let (_vault, settings) = vault(folder.path());
    let stopped = World::connected().await.stop();
    drop(stopped.open(Settings::default()).await.unwrap());
    let settings = Settings { vault: Some(settings), ..Settings::default() };
    assert!(matches!(stopped.open(settings.clone()).await, Err(Error::Setup { field: "[vault]", .. })));
    // Sealed from the beginning: nothing is made, and nothing else in its place.
    _vault.ask("seal");
    let data = folder.path().join("new");
    let setup =
        Setup { organisation_name: "Région".to_owned(), address: "https://cles.localhost".to_owned() };
    let clock = std::sync::Arc::new(SystemClock);
    let made =
        sceau_keymanager::KeyManager::init(&data, &setup, &unlock(folder.path()), settings, clock).await;
    assert_eq!(made.unwrap_err().code(), "hsm_vault_sealed");
    assert!(!data.join("keystore").exists());
}
