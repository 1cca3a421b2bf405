//! A Vault that was written from its interface (`tests/judges/servers_vault.py`), started for a test, with TLS under an authority of the test's.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use sceau_hsm::{VaultKeystore, VaultLogin, VaultSettings};
use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile, ServerProfile};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(crate) struct Stage {
    process: Mutex<Child>,
    folder: PathBuf,
    port: u64,
}

fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

fn write(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

impl Stage {
    pub(crate) fn start(folder: &Path) -> Self {
        let authority = Authority::create(&AuthorityProfile::of("Tests"), now()).unwrap();
        let server = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now()).unwrap();
        let client = ClientProfile::new("keys", CertificateRole::Connector);
        let client = authority.issue_client(&client, now()).unwrap();
        let pem =
            |issued: &sceau_pki::Issued| format!("{}{}", issued.key().to_pem().as_str(), issued.chain_pem());
        let own = write(&folder.join("server.pem"), &pem(&server));
        let anchors = write(&folder.join("ca.pem"), &authority.certificate().to_pem());
        write(&folder.join("client.pem"), &pem(&client));
        write(&folder.join("secret-id"), "sesame\n");
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{ROOT}/target"));
        let mut process = Command::new(format!("{target}/venv-servers/bin/python"))
            .args(["-B", &format!("{ROOT}/tests/judges/servers_vault.py"), &own, &anchors, "role", "sesame"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the judge's environment: `cargo xtask test --only tools`");
        let mut ready = String::new();
        let stdout = process.stdout.take().unwrap();
        let mut answers = BufReader::new(stdout);
        answers.read_line(&mut ready).unwrap();
        process.stdout = Some(answers.into_inner());
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let port = ready["port"].as_u64().unwrap();
        Self { process: Mutex::new(process), folder: folder.to_owned(), port }
    }

    pub(crate) fn ask(&self, order: &str) -> String {
        let mut process = self.process.lock().unwrap();
        writeln!(process.stdin.as_mut().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        let mut byte = [0];
        let output = process.stdout.as_mut().unwrap();
        while std::io::Read::read(output, &mut byte).unwrap() == 1 && byte[0] != b'\n' {
            answer.push(char::from(byte[0]));
        }
        answer
    }

    pub(crate) fn settings(&self) -> VaultSettings {
        VaultSettings {
            address: format!("https://localhost:{}", self.port),
            authorities: self.folder.join("ca.pem"),
            mount: "transit".to_owned(),
            prefix: "sceau-".to_owned(),
            login: VaultLogin::Certificate { identity: self.folder.join("client.pem"), role: None },
            maker: None,
            timeout_ms: 10_000,
        }
    }

    pub(crate) fn by_approle(&self) -> VaultSettings {
        let login =
            VaultLogin::AppRole { role_id: "role".to_owned(), secret_id: self.folder.join("secret-id") };
        VaultSettings { login, ..self.settings() }
    }

    pub(crate) fn open(&self) -> VaultKeystore {
        VaultKeystore::open(&self.folder.join("keystore"), &self.settings()).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Ok(process) = self.process.get_mut() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A keystore with a Vault of its own, for the suite over every provider.
pub(crate) struct Both {
    keystore: VaultKeystore,
    _stage: Stage,
}

pub(crate) fn keystore(folder: &Path) -> Both {
    let stage = Stage::start(folder);
    Both { keystore: stage.open(), _stage: stage }
}

impl std::ops::Deref for Both {
    type Target = VaultKeystore;

    fn deref(&self) -> &VaultKeystore {
        &self.keystore
    }
}
