//! A folder of one's own, and a port that is free.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

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

/// A TCP port of the loopback that nobody listens on, below those that systems hand out by themselves, so that nothing takes it before what it is meant for.
/// No other test of this process is given it. Prefer port 0 and the ready line wherever the program can say which port it got.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    let next = || 12_000 + from.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
    let mut ports = std::iter::repeat_with(|| u16::try_from(next()).expect("below 32,000"));
    let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("a loopback port is free")
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
