//! The key manager as a Vault, judged by clients that we did not write: `hvac`, and a page's part played with Node's own TLS and crypto. Then
//! what must be refused.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sceau_element_api::AccountId;
use sceau_element_api::documents::DecisionRole;
use sceau_hsm::{KeyKind, Operations as _, Provider as _, VaultKeystore, VaultLogin, VaultSettings};
use sceau_keymanager::{
    Binding, Grant, KeyManager, LoginRole, NewCertificate, Policy, Settings, Setup, TransitSettings,
};
use sceau_pki::CertificateRole;
use sceau_store::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{Answer, Browser, World, world::unlock};

const PAGE: &str = "https://mcm.example";
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub fn open() -> Settings {
    let transit = TransitSettings { export: true, page_origin: Some(PAGE.to_owned()), ..Default::default() };
    Settings { transit: Some(transit), ..Settings::default() }
}

/// A key manager of today, since the judges read the machine's clock.
struct Today {
    folder: TempDir,
    manager: KeyManager,
    url: String,
}

impl Today {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let setup = Setup { organisation_name: "Région".to_owned(), address: url.clone() };
        let (data, unlock) = (folder.path().join("data"), unlock(folder.path()));
        let manager = KeyManager::init(&data, &setup, &unlock, open(), Arc::new(SystemClock)).await.unwrap();
        let serving = manager.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        Self { folder, manager, url }
    }

    async fn file(&self, name: &str, role: CertificateRole) -> String {
        let made = self.manager.issue_certificate(name, role).await.unwrap();
        match role {
            CertificateRole::CaseOfficer => bind(&self.manager, &made).await,
            CertificateRole::Connector => grant(&self.manager, &made, SystemClock.now_ms()).await,
            _ => {}
        }
        self.write(name, &made.pem)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn judge(&self, mut command: Command, input: &Value) {
        let input = input.to_string();
        let output = tokio::task::spawn_blocking(move || {
            let mut judge =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let judge = judge.as_mut().expect("the judge's environment: `cargo xtask test --only tools`");
            judge.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let mut said = (String::new(), String::new());
            std::io::Read::read_to_string(&mut judge.stdout.take().unwrap(), &mut said.0).unwrap();
            std::io::Read::read_to_string(&mut judge.stderr.take().unwrap(), &mut said.1).unwrap();
            judge.wait().unwrap();
            said
        })
        .await
        .unwrap();
        assert_eq!(output.0.trim(), "well", "{}", output.1);
    }
}

async fn bind(manager: &KeyManager, made: &NewCertificate) {
    let binding = Binding {
        certificate_fingerprint: made.fingerprint.clone(),
        account: AccountId::random(),
        role: DecisionRole::CaseOfficer,
        name: "Anne Agent".to_owned(),
    };
    manager.bind(binding).await.unwrap();
}

async fn grant(manager: &KeyManager, made: &NewCertificate, now: u64) {
    let grant = Grant {
        certificate_fingerprint: made.fingerprint.clone(),
        name: "hr".to_owned(),
        schemes: None,
        not_before: now - 1,
        not_after: now + 3_600_000,
        decides: None,
    };
    manager.grant(grant).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hvac_logs_in_and_uses_everything() {
    let today = Today::start().await;
    let administrator = today.file("administrator", CertificateRole::Administrator).await;
    let connector = today.file("connector", CertificateRole::Connector).await;
    let authority = today.write("authority", &today.manager.authority_pem());
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{ROOT}/target"));
    let mut python = Command::new(Path::new(&target).join("venv-hvac/bin/python"));
    python.arg("-B").arg(format!("{ROOT}/tests/judges/vault_client.py"));
    let given = json!({
        "url": today.url, "authority": authority, "administrator": administrator, "connector": connector,
    });
    today.judge(python, &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_mob_fetches_its_key_and_opens_a_document() {
    let today = Today::start().await;
    let officer = today.file("officer", CertificateRole::CaseOfficer).await;
    let administrator = today.file("administrator", CertificateRole::Administrator).await;
    let pem = std::fs::read_to_string(administrator).unwrap();
    let port = today.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let clock = Arc::new(sceau_store::ManualClock::at(SystemClock.now_ms()));
    let authority = today.manager.authority_pem();
    let admin = Browser::new(&today.url, port, &authority, Some(&pem), clock).named("localhost");
    let token = login(&admin).await;
    let made = json!({"type": "rsa-2048", "exportable": true});
    assert_eq!(vault(&admin, &token, "POST", "transit/keys/CLIENT", &made).await.status, 204);
    let key = vault(&admin, &token, "GET", "transit/keys/CLIENT", &Value::Null).await.json();
    let given = json!({
        "url": today.url, "authority": authority, "origin": PAGE, "key": "CLIENT",
        "certificate": std::fs::read_to_string(officer).unwrap(),
        "publicKey": key["data"]["keys"]["1"]["public_key"],
    });
    let mut node = Command::new("node");
    node.arg(format!("{ROOT}/tests/judges/mob_page.mjs"));
    today.judge(node, &given).await;
}

/// The other way round: a keystore of ours whose keys this key manager keeps. Who makes keys is its administrator, who uses them a connector.
#[tokio::test(flavor = "multi_thread")]
async fn a_keystore_of_ours_keeps_its_keys_here() {
    let today = Today::start().await;
    let login = |identity: String| VaultLogin::Certificate { identity: identity.into(), role: None };
    let administrator = today.file("administrator", CertificateRole::Administrator).await;
    let connector = today.file("connector", CertificateRole::Connector).await;
    for file in [&administrator, &connector] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let settings = VaultSettings {
        address: today.url.clone(),
        authorities: today.write("authority", &today.manager.authority_pem()).into(),
        mount: "transit".to_owned(),
        prefix: "other-".to_owned(),
        login: login(connector),
        maker: Some(login(administrator)),
        timeout_ms: 10_000,
    };
    let folder = today.folder.path().join("elsewhere");
    let store = VaultKeystore::open(&folder, &settings).unwrap();
    let label = |text: &str| sceau_hsm::KeyLabel::new(text).unwrap();
    let key = store.generate(KeyKind::Ed25519, &label("sign"), 1).unwrap();
    assert!(store.verifying_key(&key).unwrap().verifies(b"m", &store.sign(&key, b"m").unwrap()));
    let (file, cek) = (sceau_crypto::FileId::random(), sceau_crypto::Cek::random());
    for kind in [KeyKind::RsaOaep256, KeyKind::HpkeXWing] {
        let key = store.generate(kind, &label(&kind.as_str().to_lowercase()), 1).unwrap();
        let stanza = sceau_crypto::wrap_cek(&store.recipient_key(&key).unwrap(), &file, &cek);
        assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap(), cek, "{kind}");
    }
    let mac = store.generate(KeyKind::HmacSha256, &label("mac"), 1).unwrap();
    assert_eq!(store.mac(&mac, &[b"a", b"b"]).unwrap(), store.mac(&mac, &[b"ab"]).unwrap());
    let state = store.generate(KeyKind::Aes256Gcm, &label("state"), 1).unwrap();
    let sealed = store.seal(&state, b"here", b"secret").unwrap();
    assert_eq!(store.open(&state, b"here", &sealed).unwrap().expose(), b"secret");
    assert_eq!(store.open(&state, b"there", &sealed).unwrap_err().code(), "blob_refused");
    store.destroy(&mac).unwrap();
    drop(store);
    let store = VaultKeystore::open(&folder, &settings).unwrap();
    assert_eq!(store.list().unwrap().len(), 4);
    // Who uses keys makes none.
    let settings = VaultSettings { maker: None, ..settings };
    drop(store);
    let refused = VaultKeystore::open(&folder, &settings)
        .and_then(|store| store.generate(KeyKind::Ed25519, &label("another"), 1));
    assert_eq!(refused.unwrap_err().code(), "hsm_vault_denied");
}

async fn login(browser: &Browser) -> String {
    let answer = browser.post("/v1/auth/cert/login", &json!({})).await.json();
    answer["auth"]["client_token"].as_str().unwrap().to_owned()
}

pub async fn vault(browser: &Browser, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    browser.with_header("x-vault-token", token).send(method, &format!("/v1/{path}"), body.as_bytes()).await
}

/// An administrator and a connector of a world, with their tokens.
pub async fn callers(world: &World) -> ((Browser, String), (Browser, String)) {
    let administrator = world.administrator().await;
    let made = world.certificate(CertificateRole::Connector).await;
    grant(&world.manager, &made, world.clock.now_ms()).await;
    let connector = world.browser(Some(&made));
    let tokens = (login(&administrator).await, login(&connector).await);
    ((administrator, tokens.0), (connector, tokens.1))
}

#[tokio::test]
async fn without_the_section_there_is_no_vault_and_without_the_opt_in_no_key_leaves() {
    let world = World::connected().await;
    let standing =
        async |world: &World| world.administrator().await.get("/v1/status").await.json()["transit"].clone();
    assert_eq!(standing(&world).await, "off");
    for path in ["/v1/sys/health", "/v1/transit/keys/CLIENT", "/v1/kv/data/x"] {
        assert_eq!(world.administrator().await.get(path).await.code(), "not_found", "{path}");
    }
    let settings = Settings { transit: Some(TransitSettings::default()), ..Settings::default() };
    let world = World::with(settings).await;
    assert_eq!(standing(&world).await, "kept");
    let ((admin, chief), (connector, token)) = callers(&world).await;
    let made = json!({"type": "rsa-2048", "exportable": true});
    assert_eq!(vault(&admin, &chief, "POST", "transit/keys/CLIENT", &made).await.status, 204);
    let path = "transit/export/encryption-key/CLIENT/1";
    let refused = vault(&connector, &token, "GET", path, &Value::Null).await;
    assert_eq!(refused.status, 403);
    assert!(!String::from_utf8_lossy(&refused.body).contains("PRIVATE KEY"));
    let records = admin.get("/v1/records").await.json().to_string();
    assert!(records.contains("transit.intent") && records.contains("export_not_allowed"), "{records}");
}

#[tokio::test]
async fn a_token_does_what_its_certificate_may_and_ends_with_it() {
    let world = World::with(open()).await;
    let ((admin, chief), (connector, token)) = callers(&world).await;
    for name in ["data", "other"] {
        assert_eq!(
            vault(&admin, &chief, "POST", &format!("transit/keys/{name}"), &json!({})).await.status,
            204
        );
    }
    let plain = json!({"plaintext": "eA=="});
    let encrypts = async |token: &str| vault(&connector, token, "POST", "transit/encrypt/data", &plain).await;
    assert_eq!(encrypts(&token).await.status, 200);
    // An administrator administers, and neither encrypts nor takes keys out; the others never administer, under whatever role they name.
    assert_eq!(encrypts(&chief).await.status, 403);
    let path = "transit/export/encryption-key/data";
    assert_eq!(vault(&admin, &chief, "GET", path, &Value::Null).await.status, 403);
    assert_eq!(vault(&connector, &token, "POST", "transit/keys/data/rotate", &json!({})).await.status, 403);
    let as_admin = connector.post("/v1/auth/cert/login", &json!({"name": "administrator"})).await;
    assert_eq!(as_admin.status, 400);
    // No certificate, no token, a false one.
    assert_eq!(world.browser(None).post("/v1/auth/cert/login", &json!({})).await.status, 400);
    assert_eq!(encrypts("").await.status, 403);
    assert_eq!(encrypts(&format!("{token}0")).await.status, 403);
    // Expired.
    world.clock.advance(3600 * 1000);
    assert_eq!(encrypts(&token).await.status, 403);
    // Revoked, and then the certificate withdrawn.
    let token = login(&admin).await;
    assert_eq!(vault(&admin, &token, "POST", "auth/token/revoke-self", &json!({})).await.status, 204);
    assert_eq!(vault(&admin, &token, "GET", "auth/token/lookup-self", &Value::Null).await.status, 403);
    let held = world.certificate(CertificateRole::CaseOfficer).await;
    bind(&world.manager, &held).await;
    let officer = world.browser(Some(&held));
    let token = login(&officer).await;
    let about = async || vault(&officer, &token, "GET", "auth/token/lookup-self", &Value::Null).await;
    assert_eq!(about().await.status, 200);
    world.manager.withdraw_certificate(&held.fingerprint).await.unwrap();
    assert_eq!(about().await.status, 403);
}

/// Whoever reads a key in the moment in which a newer form of it is kept reads the one or the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_while_it_is_rotated() {
    let world = World::with(open()).await;
    let ((admin, chief), (connector, token)) = callers(&world).await;
    vault(&admin, &chief, "POST", "transit/keys/data", &json!({})).await;
    let over = AtomicBool::new(false);
    let using = async || {
        while !over.load(Ordering::SeqCst) {
            let used =
                vault(&connector, &token, "POST", "transit/encrypt/data", &json!({"plaintext": "eA=="}))
                    .await;
            assert_eq!(used.status, 200, "{}", String::from_utf8_lossy(&used.body));
        }
    };
    let rotating = async {
        for _ in 0..30 {
            let rotated = vault(&admin, &chief, "POST", "transit/keys/data/rotate", &json!({})).await;
            assert_eq!(rotated.status, 204);
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(rotating, using(), using(), using(), using());
}

#[tokio::test]
async fn a_role_takes_only_the_certificates_that_it_names() {
    let role = |name: &str, policies: &[&str]| LoginRole {
        common_names: vec![name.to_owned()],
        organizational_units: Vec::new(),
        policies: policies.iter().map(|text| Policy::parse(text).unwrap()).collect(),
        token_ms: Some(60_000),
    };
    let mut settings = open();
    let roles = vec![
        ("officers".to_owned(), role("Anaïs Le Goff", &["manage", "export/data"])),
        ("nobody".to_owned(), role("Somebody Else", &["export"])),
    ];
    settings.transit.as_mut().unwrap().roles = roles;
    let world = World::with(settings).await;
    let (officer, _) = world.officer().await;
    let named = async |name: &str| officer.post("/v1/auth/cert/login", &json!({"name": name})).await;
    // A role gives a case officer no power that case officers have not.
    let auth = named("officers").await.json()["auth"].clone();
    assert_eq!((&auth["policies"], &auth["lease_duration"]), (&json!(["export/data"]), &json!(60)));
    assert_eq!((named("nobody").await.status, named("../officers").await.status), (400, 400));
    let token = auth["client_token"].as_str().unwrap();
    let other = vault(&officer, token, "GET", "transit/export/encryption-key/other", &Value::Null).await;
    assert_eq!(other.status, 403);
}

#[tokio::test]
async fn names_that_are_paths_big_batches_and_foreign_purposes_are_refused() {
    let world = World::with(open()).await;
    let ((admin, chief), (connector, token)) = callers(&world).await;
    for name in ["..", "%2e%2e", "a%2Fb", "..%2f..%2fstate", ".hidden", "%00", "a%20b", &"x".repeat(65)] {
        let path = format!("transit/keys/{name}");
        assert_eq!(vault(&admin, &chief, "POST", &path, &json!({})).await.status, 400, "{name}");
        let path = format!("kv/data/{name}/x%2f..%2fy");
        assert_eq!(vault(&admin, &chief, "POST", &path, &json!({"data": {}})).await.status, 400, "{name}");
    }
    let rsa = json!({"type": "rsa-2048", "exportable": true});
    vault(&admin, &chief, "POST", "transit/keys/mob", &rsa).await;
    vault(&admin, &chief, "POST", "transit/keys/data", &json!({})).await;
    // One key, one purpose: what leaves for MOB does nothing here.
    for act in ["encrypt", "decrypt", "sign", "hmac"] {
        let body = json!({"plaintext": "eA==", "input": "eA==", "ciphertext": "vault:v1:eA=="});
        assert_eq!(vault(&connector, &token, "POST", &format!("transit/{act}/mob"), &body).await.status, 400);
    }
    let batch: Vec<Value> = (0..251).map(|_| json!({"plaintext": "eA=="})).collect();
    let encrypt = async |body: Value| vault(&connector, &token, "POST", "transit/encrypt/data", &body).await;
    assert_eq!(encrypt(json!({"batch_input": batch})).await.status, 400);
    assert_eq!(encrypt(json!({"batch_input": batch[..250]})).await.status, 200);
    let mixed = json!({"batch_input": [{"plaintext": "eA=="}, {"plaintext": "!"}]});
    assert_eq!(encrypt(mixed).await.status, 400);
    for refused in [
        json!({"derived": true}),
        json!({"convergent_encryption": true}),
        json!({"type": "rsa-4096", "exportable": true}),
        json!({"type": "ed25519", "exportable": true}),
        json!({"type": "sceau-1"}),
        json!({"allow_plaintext_backup": true}),
    ] {
        let answer = vault(&admin, &chief, "POST", "transit/keys/new", &refused).await;
        assert_eq!(answer.status, 400, "{refused}");
    }
    assert_eq!(encrypt(json!({"plaintext": "eA==", "context": "eA=="})).await.status, 400);
    // The trace knows who did what to which key, and nothing of what was in it.
    let records = admin.get("/v1/records").await.json().to_string();
    assert!(
        records.contains("transit.outcome") && records.contains("\"encrypt\"") && !records.contains("eA==")
    );
}

#[tokio::test]
async fn keys_outlive_a_restart_and_tokens_do_not() {
    let world = World::with(open()).await;
    let ((admin, chief), (connector, token)) = callers(&world).await;
    vault(&admin, &chief, "POST", "transit/keys/data", &json!({})).await;
    let body = json!({"plaintext": "eA=="});
    let sealed = vault(&connector, &token, "POST", "transit/encrypt/data", &body).await.json();
    let sealed = json!({"ciphertext": sealed["data"]["ciphertext"]});
    let world = world.restart(open()).await;
    let decrypt = async |token: &str| vault(&connector, token, "POST", "transit/decrypt/data", &sealed).await;
    assert_eq!(decrypt(&token).await.status, 403);
    let token = login(&connector).await;
    assert_eq!(decrypt(&token).await.json()["data"]["plaintext"], "eA==");
    drop(world);
}
