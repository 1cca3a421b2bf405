//! The key manager witnesses the log: an element whose folder was put back to an older copy does not start.

use std::path::Path;

use sceau_client::{Server, Trust};
use sceau_tests::{Program, Running, Scratch};
use sceau_trace::SignedCheckpoint;
use tokio::time::{Duration, interval};

#[tokio::test]
async fn an_old_copy_of_the_element_is_not_started() {
    let scratch = Scratch::new("old-copy");
    let data = scratch.join("data");
    up(&data, scratch.path()).stop();
    copy(&data.join("element"), &scratch.join("old"));

    let before = size_of(&data.join("witnessed"));

    let running = up(&data, scratch.path());
    let key_manager = running.said("/key_manager").to_owned();
    until_witnessed_beyond(&key_manager, &data, before).await;
    running.stop();
    assert!(size_of(&data.join("witnessed")) > before, "what the key manager saw was kept at the stop");

    std::fs::remove_dir_all(data.join("element")).unwrap();
    copy(&scratch.join("old"), &data.join("element"));
    // The harness panics when a program ends before it is ready; one that becomes ready is stopped, and the test fails.
    let started = std::panic::catch_unwind(|| up(&data, scratch.path()));
    assert!(started.is_err(), "it started from an old copy");
    let log = std::fs::read_to_string(data.join("logs").join("element.log")).unwrap();
    assert!(log.contains("it is an old copy"), "{log}");
}

fn up(data: &Path, logs: &Path) -> Running {
    Program::sceau("up").args(["--data".as_ref(), data.as_os_str(), "--demonstration".as_ref()]).start(logs)
}

fn copy(from: &Path, to: &Path) {
    Program::other("cp").arg("-a").arg(from).arg(to).run().success();
}

/// The size of the log that a kept checkpoint speaks of; 0 while there is none.
fn size_of(note: &Path) -> u64 {
    std::fs::read_to_string(note).map_or(0, |note| size(&note))
}

fn size(note: &str) -> u64 {
    let lines = SignedCheckpoint::parse(note).map(|_| note.lines().nth(1).map(str::to_owned)).unwrap();
    lines.unwrap().parse().unwrap()
}

/// Waits until the key manager has verified more of the log than `before`.
async fn until_witnessed_beyond(key_manager: &str, data: &Path, before: u64) {
    let authority = std::fs::read(data.join("demonstration").join("authority.pem")).unwrap();
    let trust = Trust { anchors_pem: Some(authority), identity_pem: None };
    let server = Server::new(key_manager, &trust).unwrap();
    let mut turns = interval(Duration::from_millis(100));
    for _ in 0..600 {
        turns.tick().await;
        let note = server.get_bytes("/trace/witnessed").await;
        if note.is_ok_and(|note| size(std::str::from_utf8(&note).unwrap()) > before) {
            return;
        }
    }
    panic!("the key manager verified nothing new of the log");
}
