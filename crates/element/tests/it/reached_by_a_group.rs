//! The platform's user reaches the element through a group, and is judged by its user id all the same.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::process::{Command, Stdio};

/// Users without a name: nothing on the machine is theirs.
const PLATFORM: &str = "64201";
const STRANGER: &str = "64202";
const GROUP: &str = "64210";

#[test]
fn members_come_in_and_only_named_users_are_heard() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: users cannot be changed here, nothing is tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "four words and a cat").unwrap();
    std::fs::set_permissions(&passphrase, PermissionsExt::from_mode(0o600)).unwrap();
    let socket = folder.path().join("run/element.sock");
    let mut element = Command::new(env!("CARGO_BIN_EXE_sceau-element"))
        .arg("--state")
        .arg(folder.path().join("state"))
        .arg("--socket")
        .arg(&socket)
        .args([
            "--origin",
            "test/log",
            "--die-with-parent",
            "--allow-user",
            PLATFORM,
            "--socket-group",
            GROUP,
        ])
        .arg("--keystore-passphrase-file")
        .arg(&passphrase)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(element.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("log_key"), "{ready}");
    let of = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).unwrap();
        (metadata.gid().to_string(), metadata.permissions().mode() & 0o777)
    };
    assert_eq!(of(&socket), (GROUP.to_owned(), 0o660));
    assert_eq!(of(socket.parent().unwrap()), (GROUP.to_owned(), 0o750));
    // A listening platform asks nothing; a hello of 15 bytes is answered, or the connection is closed.
    let hello = |user: &str, groups: &[&str]| {
        // Perl is on every Debian, and readable by every user.
        let asked = r#"use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1;
            my $b = '{"call":1,"request":"hello"}'; $s->syswrite(pack('N', length $b) . $b);
            exit(($s->sysread(my $answer, 4) // 0) > 0 ? 0 : 3);"#;
        Command::new("setpriv")
            .args([&format!("--reuid={user}"), &format!("--regid={user}")])
            .args(groups)
            .args(["--", "perl", "-e", asked])
            .arg(&socket)
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    let member = format!("--groups={GROUP}");
    assert_eq!(hello(PLATFORM, &[&member]), Some(0), "the platform, in the group");
    assert_eq!(hello(PLATFORM, &["--clear-groups"]), Some(1), "the platform, outside the group: no way in");
    assert_ne!(hello(STRANGER, &[&member]), Some(0), "a stranger in the group is not heard");
    element.kill().unwrap();
    element.wait().unwrap();
}
