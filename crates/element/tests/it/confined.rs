//! Once it serves, the process can neither open a file, nor make a socket, nor run a program; everything else goes on.

use std::io::ErrorKind;
use std::process::Command;

use sceau_element_api::AccountId;

use crate::kill::{Program, draft};

/// Set for the child that [`what_is_refused_and_what_is_not`] runs this very test in.
const CHILD: &str = "SCEAU_TEST_CONFINED";

#[test]
fn what_is_refused_and_what_is_not() {
    if std::env::var_os(CHILD).is_some() {
        return confined();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "confined::what_is_refused_and_what_is_not", "--nocapture"])
        .env(CHILD, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("it was confined"), "{said}");
}

fn confined() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = std::fs::File::create(&path).unwrap();
    let early = std::thread::spawn(loop_until_denied);
    sceau_element::confine(sceau_element::Reach::Nothing).unwrap();
    let denied = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    denied(std::net::TcpListener::bind("127.0.0.1:0").unwrap_err());
    denied(std::net::UdpSocket::bind("127.0.0.1:0").unwrap_err());
    denied(std::os::unix::net::UnixStream::connect(&path).unwrap_err());
    denied(Command::new("/bin/true").spawn().unwrap_err());
    denied(std::fs::File::open(&path).unwrap_err());
    denied(std::fs::rename(&path, folder.path().join("other")).unwrap_err());
    // A thread from before is confined too, and one from after.
    early.join().unwrap();
    std::thread::spawn(loop_until_denied).join().unwrap();
    // What serving needs goes on: memory, random bytes, writing and syncing what is open.
    std::io::Write::write_all(&mut &file, &vec![7; 10 << 20]).unwrap();
    file.sync_data().unwrap();
    let _: [u8; 32] = sceau_crypto::random();
    std::fs::remove_file(&path).unwrap();
    std::io::Write::write_all(&mut std::io::stdout(), b"it was confined\n").unwrap();
    // The folder cannot be listed any more, which its removal would need.
    std::fs::remove_dir(folder.keep()).unwrap_err();
}

fn loop_until_denied() {
    while std::net::UdpSocket::bind("127.0.0.1:0").is_ok() {
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_thread_of_the_real_program_is_confined_and_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = Program::start(folder.path());
    let client = Program::client(folder.path());
    let index = client.append(draft(AccountId::random())).await.unwrap();
    client.evidence(index).await.unwrap();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", program.id())).unwrap();
    let mut threads = 0;
    for task in tasks {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.lines().any(|line| line == "Seccomp:\t2"), "{status}");
        threads += 1;
    }
    assert!(threads >= 2, "{threads} threads");
}
