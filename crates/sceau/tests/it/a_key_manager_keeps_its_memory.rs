//! What another process of the same machine gets of a key manager that runs.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sceau(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau"));
    command.args(words).arg("--data").arg(folder.join("keys"));
    command.arg("--passphrase-file").arg(folder.join("passphrase"));
    command
}

#[test]
fn nothing_of_its_memory_reaches_a_core_file_or_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple").unwrap();
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    let init = ["keymanager", "init", "--organisation-name", "Test", "--address", "https://cles.localhost:1"];
    assert!(sceau(folder.path(), &init).output().unwrap().status.success());
    let mut serve = sceau(folder.path(), &["serve", "keymanager", "--listen", "127.0.0.1:0"]);
    let child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut serving = Serving(child);
    let mut ready = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("root_fingerprint"), "{ready}");
    let place = format!("/proc/{}", serving.0.id());
    let limits = std::fs::read_to_string(format!("{place}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!((core.split_whitespace().nth(4), core.split_whitespace().nth(5)), (Some("0"), Some("0")));
    // The superuser may read any memory, dumpable or not.
    if !rustix::process::geteuid().is_root() {
        assert!(std::fs::File::open(format!("{place}/mem")).is_err());
    }
    // Locked, or it says that the system did not let it.
    let status = std::fs::read_to_string(format!("{place}/status")).unwrap();
    let locked = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
    if locked.split_whitespace().nth(1) == Some("0") {
        serving.0.kill().unwrap();
        let mut said = BufReader::new(serving.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line.contains("memory could not be locked")));
    }
}

#[test]
fn a_secret_that_others_can_read_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let organisation = "3f0c1d2e-5a6b-4c7d-8e9f-0a1b2c3d4e5f";
    let mut connect = sceau(folder.path(), &["keymanager", "connect", "--organisation", organisation]);
    connect.args(["--platform", "http://sceau.localhost:1", "--client-id", "c", "--log-key", "k"]);
    let output = connect.arg("--client-secret-file").arg(&secret).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("chmod 600"), "{said}");
}
