//! A folder of one's own, and a port that is free.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder, removed at the end; kept, and named on the terminal, when the test fails.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
}

impl Scratch {
    /// Makes one. `name` shows in its path.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("sceau-{name}-")).tempdir();
        Self { folder: Some(folder.expect("a temporary folder can be made")) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until drop").path()
    }

    /// A path inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file inside it, for this user's eyes only, and returns its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let mut options = std::fs::File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(bytes.as_ref()));
        written.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let (true, Some(folder)) = (std::thread::panicking(), self.folder.take()) {
            eprintln!("kept for a look: {}", folder.keep().display());
        }
    }
}

/// A TCP port of the loopback that nobody holds now. Prefer port 0 and the ready line wherever the program can say
/// which port it got: between this answer and its use, another process may take it.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Makes a data folder for `sceau up` with other ports than the usual ones, which tests beside this one take.
pub fn own_ports(data: &Path) {
    std::fs::create_dir(data).expect("the folder is new");
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    let names = ["platform", "key_manager", "intake", "keyfront", "keyrings"];
    let ports: serde_json::Map<_, _> =
        names.into_iter().map(|name| (name.to_owned(), free_port().into())).collect();
    std::fs::write(data.join("ports.json"), serde_json::Value::from(ports).to_string()).expect("it is ours");
}
