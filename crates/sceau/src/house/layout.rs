//! Where `sceau up` keeps things: one folder a role, the ports, and a passphrase for each keystore.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_hsm::durable::{secret_folder, write_public, write_secret};
use serde::Deserialize;

use crate::failure::{Exit, Failure};

/// The longest path of a Unix socket (`sun_path`, with its final zero).
const SOCKET_PATH: usize = 107;

/// The file of the ports.
const PORTS: &str = "ports.json";
/// The folder of the demonstration.
const DEMONSTRATION: &str = "demonstration";

/// The data folder of one machine.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    ports: Ports,
}

/// The ports of the last start: links in mails and passkeys hold on to them.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Ports {
    /// Of the platform's pages.
    pub(crate) platform: u16,
    /// Of the key manager.
    pub(crate) key_manager: u16,
    /// Of the intake; a folder of an earlier version has none, and gets one.
    #[serde(default)]
    pub(crate) intake: u16,
    /// Of the keyfront; likewise.
    #[serde(default)]
    pub(crate) keyfront: u16,
    /// Of the host of keyrings; likewise.
    #[serde(default)]
    pub(crate) keyrings: u16,
}

impl Ports {
    fn to_json(self) -> String {
        let Self { platform, key_manager, intake, keyfront, keyrings } = self;
        serde_json::json!({
            "platform": platform, "key_manager": key_manager, "intake": intake, "keyfront": keyfront, "keyrings": keyrings,
        })
        .to_string()
    }
}

impl Layout {
    /// The folder as an earlier start left it, if it is one. Nothing is made.
    pub(crate) fn left_at(root: &Path) -> Option<Self> {
        let ports = std::fs::read(root.join(PORTS)).ok()?;
        Some(Self { root: root.to_owned(), ports: serde_json::from_slice(&ports).ok()? })
    }

    /// Opens the folder, or makes it with ports that are free now.
    pub(crate) fn open(root: &Path) -> Result<Self, Failure> {
        secret_folder(root)?;
        let root = root.canonicalize().map_err(|cause| Failure::file("open", root, &cause))?;
        let ports = root.join(PORTS);
        let file = ports;
        let mut ports: Ports = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                let words = format!("{} is not ours any more; put it back or remove it", file.display());
                Failure::new(Exit::Input, "ports", words)
            })?,
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(Failure::file("read", &file, &cause));
            }
            Err(_) => {
                let (platform, key_manager) = (free_port(8080)?, free_port(8443)?);
                Ports { platform, key_manager, intake: 0, keyfront: 0, keyrings: 0 }
            }
        };
        let later = [(&mut ports.intake, 8445), (&mut ports.keyfront, 8447), (&mut ports.keyrings, 8448)];
        let mut chosen = false;
        for (port, usual) in later.into_iter().filter(|(port, _)| **port == 0) {
            *port = free_port(usual)?;
            chosen = true;
        }
        if chosen {
            write_secret(&file, ports.to_json().as_bytes())?;
        }
        // Keys are in it: whatever work tree it was made in does not take them along.
        write_public(&root.join(".gitignore"), b"*\n")?;
        let layout = Self { root, ports };
        let roles = [layout.element(), layout.platform(), layout.key_manager(), layout.keyfront()];
        for folder in roles.iter().chain(&[layout.keyrings(), layout.logs(), layout.gate()]) {
            secret_folder(folder)?;
        }
        if layout.platform_socket().as_os_str().len() > SOCKET_PATH {
            let words =
                format!("{} is too deep for a Unix socket: choose a shorter --data", layout.root.display());
            return Err(Failure::new(Exit::Usage, "path_too_long", words));
        }
        Ok(layout)
    }

    /// The ports.
    pub(crate) fn ports(&self) -> Ports {
        self.ports
    }

    /// Web origin of the platform.
    pub(crate) fn platform_origin(&self) -> String {
        format!("http://sceau.localhost:{}", self.ports.platform)
    }

    /// Web origin of the intake.
    pub(crate) fn intake_origin(&self) -> String {
        format!("http://depot.localhost:{}", self.ports.intake)
    }

    /// The key that signs the intake's words.
    pub(crate) fn intake_key(&self) -> PathBuf {
        self.root.join("intake.key")
    }

    /// Web address of the key manager.
    pub(crate) fn key_manager_address(&self) -> String {
        format!("https://cles.localhost:{}", self.ports.key_manager)
    }

    /// Logs of the roles.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// State of the element.
    pub(crate) fn element(&self) -> PathBuf {
        self.root.join("element")
    }

    /// Records, objects and mail of the platform.
    pub(crate) fn platform(&self) -> PathBuf {
        self.root.join("platform")
    }

    /// Keys and records of the organisation's key manager.
    pub(crate) fn key_manager(&self) -> PathBuf {
        self.root.join("keymanager")
    }

    /// The certificate of the keyfront, and the authority of this machine's servers.
    pub(crate) fn keyfront(&self) -> PathBuf {
        self.root.join("keyfront")
    }

    /// The certificate that the keyfront and the host of keyrings are trusted by.
    pub(crate) fn local_authority(&self) -> PathBuf {
        self.keyfront().join("authority.pem")
    }

    /// The certificate of the host of keyrings, and the security officer's certificate and key.
    pub(crate) fn keyrings(&self) -> PathBuf {
        self.root.join("keyrings")
    }

    /// Web address of the host of keyrings.
    pub(crate) fn keyrings_address(&self) -> String {
        format!("https://localhost:{}", self.ports.keyrings)
    }

    /// Web address of the keyfront.
    pub(crate) fn keyfront_address(&self) -> String {
        format!("https://localhost:{}", self.ports.keyfront)
    }

    /// What the platform, the keyfront and the host of keyrings are told where nobody gives other settings.
    pub(crate) fn settings(&self) -> PathBuf {
        self.root.join("platform.toml")
    }

    /// Whether a key manager was made.
    pub(crate) fn has_key_manager(&self) -> bool {
        self.key_manager().join("keymanager.db").exists()
    }

    /// The certificate that the people of the demonstration trust the key manager by.
    pub(crate) fn authority(&self) -> PathBuf {
        self.root.join(DEMONSTRATION).join("authority.pem")
    }

    /// What the demonstration keeps for itself.
    pub(crate) fn demonstration(&self) -> Result<PathBuf, Failure> {
        let folder = self.root.join(DEMONSTRATION);
        secret_folder(&folder)?;
        Ok(folder)
    }

    /// The last checkpoint that the key manager witnessed.
    pub(crate) fn witnessed(&self) -> PathBuf {
        self.root.join("witnessed")
    }

    /// Socket of the platform, which the gate opens.
    pub(crate) fn platform_socket(&self) -> PathBuf {
        self.root.join("run").join("platform.sock")
    }

    /// What the gate is told, and what it keeps.
    pub(crate) fn gate(&self) -> PathBuf {
        self.root.join("gate")
    }

    /// Socket of the element.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("run").join("element.sock")
    }

    /// The file with a keystore's passphrase; a random one is made the first time.
    pub(crate) fn passphrase(&self, role: &str) -> Result<PathBuf, Failure> {
        let path = self.root.join(format!("{role}.passphrase"));
        if !path.exists() {
            let passphrase = URL_SAFE_NO_PAD.encode(sceau_crypto::random::<32>());
            write_secret(&path, passphrase.as_bytes())?;
        }
        Ok(path)
    }
}

/// The usual port where it is free, else one that the system chooses.
fn free_port(usual: u16) -> Result<u16, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", usual)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Failure::system("find a free port", &cause))
}
