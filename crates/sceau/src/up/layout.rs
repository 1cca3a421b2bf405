//! Where `sceau up` keeps things: one folder a role, the ports, and a passphrase for each keystore.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::serve::platform::make_private;

/// The longest path of a Unix socket (`sun_path`, with its final zero).
const SOCKET_PATH: usize = 107;

/// The data folder of one machine.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    ports: Ports,
}

/// The ports of the last start: links in mails and passkeys hold on to them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// Of the platform's pages.
    pub(crate) platform: u16,
    /// Of the key manager.
    pub(crate) key_manager: u16,
}

impl Layout {
    /// Opens the folder, or makes it with ports that are free now.
    pub(crate) fn open(root: &Path) -> Result<Self, Failure> {
        make_private(root)?;
        let root = root.canonicalize().map_err(|cause| Failure::file("open", root, &cause))?;
        let ports = root.join("ports.json");
        let ports = match std::fs::read(&ports) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                let words = format!("{} is not ours any more; put it back or remove it", ports.display());
                Failure::new(Exit::Input, "ports", words)
            })?,
            Err(_) => {
                let chosen = Ports { platform: free_port(8080)?, key_manager: free_port(8443)? };
                write_private(&ports, &serde_json::to_vec(&chosen).unwrap_or_default())?;
                chosen
            }
        };
        let layout = Self { root, ports };
        for folder in [layout.logs(), layout.element(), layout.platform(), layout.key_manager()] {
            make_private(&folder)?;
        }
        if layout.socket().as_os_str().len() > SOCKET_PATH {
            let words =
                format!("{} is too deep for a Unix socket: choose a shorter --data", layout.root.display());
            return Err(Failure::new(Exit::Usage, "path-too-long", words));
        }
        Ok(layout)
    }

    /// The ports.
    pub(crate) fn ports(&self) -> Ports {
        self.ports
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

    /// What the demonstration keeps for itself.
    pub(crate) fn demonstration(&self) -> Result<PathBuf, Failure> {
        let folder = self.root.join("demonstration");
        make_private(&folder)?;
        Ok(folder)
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
            write_private(&path, passphrase.as_bytes())?;
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

/// Writes a small file that only its owner reads; it appears whole, and survives a power cut.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| Failure::file("write", path, &cause);
    let temporary = path.with_extension("new");
    // What a crash left behind goes. What somebody else put there, in a folder of all, is neither followed nor written to.
    match std::fs::remove_file(&temporary) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    let mut file =
        std::fs::File::options().create_new(true).write(true).mode(0o600).open(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Another user of the machine waits for a certificate that is written into a folder of all.
    #[test]
    fn a_private_file_is_written_into_nothing_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let trap = folder.path().join("trap");
        std::fs::write(&trap, "theirs").unwrap();
        let target = folder.path().join("holder.p12");
        std::os::unix::fs::symlink(&trap, folder.path().join("holder.new")).unwrap();
        write_private(&target, b"key").unwrap();
        assert_eq!(std::fs::read(&trap).unwrap(), b"theirs");
        // A file that others can read keeps its mode when it is written to.
        std::fs::write(folder.path().join("holder.new"), "").unwrap();
        std::fs::set_permissions(folder.path().join("holder.new"), std::fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&target, b"key").unwrap();
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(&target).unwrap(), b"key");
    }
}
