//! Three witnesses, of which two must cosign: the platform collects, shows and keeps what they say; a verifier that we did not build on finds every tile,
//! proof and cosignature right; and an element that was put back to an older copy is denounced.

use std::path::Path;

use sceau_client::Server;
use sceau_tests::{House, Program, Running, Scratch};
use serde_json::Value;
use tokio::time::{Duration, interval};

#[tokio::test(flavor = "multi_thread")]
async fn witnesses_cosign_the_platforms_log() {
    let mut house = House::start("witnesses");
    let log_key = house.platform.as_ref().unwrap().said("/log_key").to_owned();
    let keys: Vec<String> = ["a", "b", "c"].map(|name| made(&house.scratch, name)).to_vec();
    let running = ["a", "b"].map(|name| started(&house.scratch, name, &log_key));
    let policy = |least: usize| {
        let urls = [running[0].said("/url"), running[1].said("/url"), "http://127.0.0.1:9"];
        let line = |((name, key), url): ((&str, &String), &str)| format!("witness {name} {key} {url}\n");
        let lines: String = ["a", "b", "c"].into_iter().zip(&keys).zip(urls).map(line).collect();
        format!("log {log_key}\n{lines}group g {least} a b c\nquorum g\n")
    };
    house.scratch.write("two.policy", policy(2));
    house.scratch.write("three.policy", policy(3));
    let two = house.scratch.join("two.policy");
    let settings = format!("[trace]\npolicy_file = \"{}\"\nevery_seconds = 1\n", two.display());
    house.scratch.write("trace.toml", &settings);

    house.platform.take().unwrap().stop();
    Program::other("cp")
        .arg("-a")
        .arg(house.scratch.join("element"))
        .arg(house.scratch.join("old"))
        .run()
        .success();
    house.more = vec!["--config".into(), house.scratch.join("trace.toml").display().to_string()];
    house.start_platform();
    let _administrator = house.administrator().await;
    let size = cosigned_whole(&house).await;

    // Every entry, tile and cosignature, by the other verifier, and by ours.
    let prefix = format!("{}/trace", house.address());
    let judged = judge(&house.scratch, &["verify", &prefix, &log_key, "two.policy"]);
    assert_eq!((&judged["size"], &judged["cosigned"]), (&size.into(), &size.into()));
    assert_eq!(judged["witnesses"], serde_json::json!(["a", "b"]));
    let ours = verify(&house.scratch, &[&prefix, "--policy", "two.policy"]).success().text();
    assert!(ours.contains("witness.example/a") && ours.contains("Verified:"), "{ours}");

    // One file that is verified without any network, and a policy that asks for more.
    let server = Server::new(&house.origin, &sceau_client::Trust::default()).unwrap();
    let evidence = server.get_bytes("/v1/trace/evidence/0").await.unwrap();
    house.scratch.write("evidence", std::str::from_utf8(&evidence).unwrap());
    let judged = judge(&house.scratch, &["evidence", "evidence", &log_key, "two.policy"]);
    assert_eq!(judged["witnesses"], serde_json::json!(["a", "b"]));
    verify(&house.scratch, &["evidence", "--policy", "two.policy"]).success();
    let refused = verify(&house.scratch, &["evidence", "--policy", "three.policy", "--json"]);
    assert!(refused.stderr.contains("policy.no_quorum"), "{}", refused.stderr);

    // The platform says which policy it goes by, and tells nobody where the witnesses are.
    let announced = String::from_utf8(server.get_bytes("/trace/policy").await.unwrap().to_vec()).unwrap();
    assert!(announced.contains(&keys[0]) && !announced.contains("http"), "{announced}");
    house.scratch.write("announced.policy", &announced);
    verify(&house.scratch, &["evidence", "--policy", "announced.policy"]).success();

    // What was collected is kept, and shown before any witness is asked again.
    let [a, b] = running;
    a.kill();
    b.kill();
    house.platform.take().unwrap().stop();
    house.start_platform();
    let kept = server.get_bytes("/trace/cosigned").await.unwrap();
    assert_eq!(size_of(&kept), size);

    // The element on an older copy of its folder.
    let again = ["a", "b"].map(|name| started(&house.scratch, name, &log_key));
    house.platform.take().unwrap().stop();
    house.element.take().unwrap().stop();
    std::fs::remove_dir_all(house.scratch.join("element")).unwrap();
    std::fs::rename(house.scratch.join("old"), house.scratch.join("element")).unwrap();
    house.start_element();
    let settings = settings_at(&house.scratch, &two, &again, &keys, &log_key);
    house.scratch.write("trace.toml", &settings);
    house.start_platform();
    let log = house.scratch.join("sceau.log");
    let denounced =
        || std::fs::read_to_string(&log).ok().filter(|log| log.contains("IT SAW ANOTHER HISTORY"));
    house.platform.as_mut().unwrap().until(denounced);
    let denounced = verify(&house.scratch, &[&prefix, "--policy", "two.policy", "--json"]);
    assert!(denounced.stderr.contains("checkpoint.not_an_extension"), "{}", denounced.stderr);
}

/// A witness's folder; its key.
fn made(scratch: &Scratch, name: &str) -> String {
    let made = Program::sceau("witness").args(["init", "--name", &format!("witness.example/{name}")]);
    let made = state(made, scratch, name).run().success();
    let said: Value = serde_json::from_str(&made.text()).unwrap();
    said["key"].as_str().unwrap().to_owned()
}

fn started(scratch: &Scratch, name: &str, log_key: &str) -> Running {
    let run = Program::sceau("witness").named(&format!("witness-{name}")).args([
        "run",
        "--log",
        log_key,
        "--listen",
        "127.0.0.1:0",
    ]);
    state(run, scratch, name).start(scratch.path())
}

fn state(program: Program, scratch: &Scratch, name: &str) -> Program {
    let folder = scratch.join("witnesses").join(name);
    program.arg("--data").arg(folder).arg("--passphrase-file").arg(scratch.join("passphrase"))
}

/// The witnesses listen elsewhere after a start: the same policy with their new addresses.
fn settings_at(
    scratch: &Scratch,
    policy: &Path,
    running: &[Running; 2],
    keys: &[String],
    log_key: &str,
) -> String {
    let [a, b] = running;
    let text = format!(
        "log {log_key}\nwitness a {} {}\nwitness b {} {}\nwitness c {}  http://127.0.0.1:9\ngroup g 2 a b c\nquorum g\n",
        keys[0],
        a.said("/url"),
        keys[1],
        b.said("/url"),
        keys[2]
    );
    scratch.write("two.policy", &text);
    format!("[trace]\npolicy_file = \"{}\"\nevery_seconds = 1\n", policy.display())
}

/// Waits until witnesses cosigned the log's last checkpoint; its size.
async fn cosigned_whole(house: &House) -> u64 {
    let server = Server::new(&house.origin, &sceau_client::Trust::default()).unwrap();
    let mut turns = interval(Duration::from_millis(100));
    for _ in 0..600 {
        turns.tick().await;
        let last = size_of(&server.get_bytes("/trace/checkpoint").await.unwrap());
        if server.get_bytes("/trace/cosigned").await.is_ok_and(|note| size_of(&note) == last) {
            return last;
        }
    }
    panic!("witnesses do not cosign: {}", house.platform.as_ref().unwrap().log());
}

fn size_of(note: &[u8]) -> u64 {
    std::str::from_utf8(note).unwrap().lines().nth(1).unwrap().parse().unwrap()
}

/// What the other verifier says (`tests/judges/tlog.py`), in its environment.
fn judge(scratch: &Scratch, words: &[&str]) -> Value {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
    let python = Program::other(&format!("{target}/venv-tink/bin/python"));
    let said =
        python.arg("-B").arg(format!("{root}/tests/judges/tlog.py")).args(words).within(scratch.path()).run();
    serde_json::from_str(&said.success().text()).unwrap()
}

fn verify(scratch: &Scratch, words: &[&str]) -> sceau_tests::Finished {
    Program::sceau("trace").arg("verify").args(words).within(scratch.path()).run()
}
