//! `sceau up` puts the gate before the platform: it is the one way in, and it comes back when it falls, as the platform behind it does.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use sceau_tests::{Program, Scratch, own_ports};
use serde_json::Value;
use tokio::time::{Duration, interval};

#[tokio::test]
async fn everybody_comes_to_the_platform_through_the_gate() {
    let scratch = Scratch::new("behind-the-gate");
    let data = scratch.join("data");
    own_ports(&data);
    let up = Program::sceau("up").arg("--data").arg(&data).start(scratch.path());
    let (_, port) = up.said("/platform").rsplit_once(':').unwrap();
    // Not everybody's resolver knows names under `.localhost`.
    let address = format!("http://127.0.0.1:{port}/trace/checkpoint");
    let request = until_answered(&address).await;
    assert_ne!(request, until_answered(&address).await, "each request has an id of the gate's");

    let (platform, gate) = (process(&data, "platform"), process(&data, "gate"));
    assert!(listens(gate) && !listens(platform), "the platform has no address of its own");
    let socket = fs::metadata(data.join("run").join("platform.sock")).unwrap();
    assert!(socket.file_type().is_socket() && socket.permissions().mode() & 0o007 == 0);

    for role in ["gate", "platform"] {
        let before = process(&data, role);
        kill_process(Pid::from_raw(before).unwrap(), Signal::KILL).unwrap();
        until(|| Some(process_if_any(&data, role)?).filter(|pid| *pid != before)).await;
        until_answered(&address).await;
    }
    assert!(up.stop().success());
}

#[tokio::test]
async fn applications_reach_a_keyfront_whose_authority_they_are_told() {
    let scratch = Scratch::new("up-keyfront");
    let data = scratch.join("data");
    own_ports(&data);
    let up = Program::sceau("up").arg("--data").arg(&data).start(scratch.path());
    let address = up.said("/keyfront/url").to_owned();
    let (_, port) = address.rsplit_once(':').unwrap();
    let trusted = fs::read(up.said("/keyfront/authority")).unwrap();
    let trusting = reqwest::Certificate::from_pem(&trusted).unwrap();
    // A connection each time: one that was kept may be of the process that is gone.
    let calls = reqwest::Client::builder().add_root_certificate(trusting).pool_max_idle_per_host(0).build();
    let calls = calls.unwrap();
    let address = format!("https://127.0.0.1:{port}/v1/protect/keyfront");
    let said = calls.get(&address).send().await.unwrap().bytes().await.unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["audience"].as_str(), Some(up.said("/keyfront/audience")));
    assert!(reqwest::get(&address).await.is_err(), "nobody else vouches for it");
    assert!(up.stop().success());

    // The same authority and port at the next start; none where the settings that are given do not switch it on.
    let up = Program::sceau("up").arg("--data").arg(&data).start(scratch.path());
    assert!(up.said("/keyfront/url").ends_with(&port));
    assert!(calls.get(&address).send().await.unwrap().status().is_success());
    assert!(up.stop().success());
    let other = scratch.join("settings.toml");
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let up = Program::sceau("up").arg("--data").arg(&data).arg("--config").arg(&other).start(scratch.path());
    assert!(up.ready()["keyfront"].is_null());
    assert!(up.stop().success());
}

/// Asks until there is an answer, and gives the id under which it came.
async fn until_answered(address: &str) -> String {
    let mut turns = interval(Duration::from_millis(50));
    for _ in 0..600 {
        turns.tick().await;
        // A connection each time: one that was kept may be of the process that is gone.
        let Ok(answer) = reqwest::get(address).await else { continue };
        if answer.status().is_success() {
            return answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        }
    }
    panic!("nobody answers at {address}");
}

async fn until<T>(mut probe: impl FnMut() -> Option<T>) -> T {
    let mut turns = interval(Duration::from_millis(50));
    for _ in 0..600 {
        turns.tick().await;
        if let Some(found) = probe() {
            return found;
        }
    }
    panic!("it never came");
}

fn process(data: &Path, role: &str) -> i32 {
    process_if_any(data, role).expect("the role runs")
}

/// The process that runs this role on this data.
fn process_if_any(data: &Path, role: &str) -> Option<i32> {
    let own = data.join(role).into_os_string().into_string().unwrap();
    let mut all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.find(|pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let mut words = words.split('\0').skip(1);
        let is_role = words.by_ref().take(2).any(|word| word == role);
        is_role && words.any(|word| word.starts_with(&own))
    })
}

/// Whether a process listens at an address.
fn listens(pid: i32) -> bool {
    let sockets: HashSet<PathBuf> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    ["tcp", "tcp6"].iter().any(|kind| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{kind}")).unwrap();
        // Its state (0A: it listens) is the fourth column, its inode the tenth.
        table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|columns| {
            columns[3] == "0A" && sockets.contains(Path::new(&format!("socket:[{}]", columns[9])))
        })
    })
}
