//! Once it serves, the process neither opens a file, nor makes a connection, nor runs a program; and compares all the same.

use std::io::{Error, ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

use sceau_biometric::{Model, confine};
use sceau_keyring::Capture;

use super::tiny_model::{onnx, picture};

/// Set to a folder for the child that [`what_is_refused_and_what_is_not`] runs this very test in.
const CHILD: &str = "SCEAU_TEST_CONFINED";

#[test]
fn what_is_refused_and_what_is_not() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return confined(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "confined::what_is_refused_and_what_is_not", "--nocapture"])
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("it was confined"), "{said}");
}

fn confined(folder: &Path) {
    let path = folder.join("file");
    std::fs::write(&path, b"x").unwrap();
    // Two threads of its own work on a picture: they are there before, and confined with it.
    let model = Model::load(onnx(1), 2).unwrap();
    let capture = Capture::from_ppm(&picture(1, 1)).unwrap();
    let before = model.embedding(&capture).unwrap();
    confine().unwrap();
    let denied = |error: Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    denied(std::fs::File::open(&path).unwrap_err());
    denied(std::fs::write(&path, b"y").unwrap_err());
    denied(std::fs::remove_file(&path).unwrap_err());
    denied(std::net::TcpListener::bind("127.0.0.1:0").unwrap_err());
    denied(std::net::UdpSocket::bind("127.0.0.1:0").unwrap_err());
    denied(std::os::unix::net::UnixStream::connect(&path).unwrap_err());
    denied(Command::new("/bin/true").spawn().unwrap_err());
    denied(std::thread::Builder::new().spawn(|| {}).unwrap_err());
    assert_eq!(*model.embedding(&capture).unwrap(), *before);
    std::io::stdout().write_all(b"it was confined\n").unwrap();
}
