//! The real program, killed in the middle of its work: what it acknowledged is there when it comes back.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, CallError, Client};
use sceau_trace::{Action, Actor, ActorKind, SignedCheckpoint, VerifierKey, verify_consistency};

use crate::house::shown;
use crate::token_on_bad_days::comes;

/// A process of the program; killed when the test ends, however it ends.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn start(folder: &Path) -> (Self, serde_json::Value) {
        Self::start_saying(folder, &[])
    }

    /// The file with the passphrase of a folder's keystore, made where it is missing.
    pub(crate) fn passphrase(folder: &Path) -> std::path::PathBuf {
        let passphrase = folder.join("passphrase");
        if !passphrase.exists() {
            std::fs::write(&passphrase, "a passphrase for this test\n").unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&passphrase, private).unwrap();
        }
        passphrase
    }

    /// The same with further arguments.
    pub(crate) fn start_saying(folder: &Path, further: &[&str]) -> (Self, serde_json::Value) {
        let passphrase = Self::passphrase(folder);
        let by_passphrase = ["--keystore-passphrase-file", passphrase.to_str().unwrap()];
        let arguments: Vec<_> = by_passphrase.iter().chain(further).copied().collect();
        Self::start_with(folder, &arguments).expect("one ready line")
    }

    /// How it ended by itself.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// The same with keys elsewhere; none where it does not start.
    pub(crate) fn start_with(folder: &Path, keystore: &[&str]) -> Option<(Self, serde_json::Value)> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sceau-element"))
            .args(["--origin", "sceau.test/log", "--die-with-parent", "--state"])
            .arg(folder.join("state"))
            .arg("--socket")
            .arg(folder.join("run/element.sock"))
            .args(keystore)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let child = Self(child);
        serde_json::from_str(&line).ok().map(|ready| (child, ready))
    }

    pub(crate) fn client(folder: &Path) -> Client {
        Client::new(folder.join("run/element.sock"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn draft(id: AccountId) -> RecordDraft {
    RecordDraft::new(Actor::new(ActorKind::Citizen, id.to_string()), Action::LOGIN).granted()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut known: Vec<(u64, AccountId)> = Vec::new();
    let mut before = None;
    for after in [1, 40, 333] {
        let (mut program, ready) = Program::start(folder.path());
        let client = Program::client(folder.path());
        check(&client, &ready, &known, before.take()).await;
        before = Some(client.checkpoint().await.unwrap());
        let acknowledged = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..16)
            .map(|_| {
                tokio::spawn(write_until_broken(Program::client(folder.path()), Arc::clone(&acknowledged)))
            })
            .collect();
        comes(async || acknowledged.load(Ordering::Relaxed) >= after).await;
        // SIGKILL, with appends under way.
        program.kill();
        for writer in writers {
            known.extend(writer.await.unwrap());
        }
        assert!(known.len() as u64 >= after);
    }
    let (_program, ready) = Program::start(folder.path());
    check(&Program::client(folder.path()), &ready, &known, before).await;
}

async fn write_until_broken(client: Client, acknowledged: Arc<AtomicU64>) -> Vec<(u64, AccountId)> {
    let mut known = Vec::new();
    loop {
        let id = AccountId::random();
        match client.append(draft(id)).await {
            Ok(index) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                known.push((index, id));
            }
            Err(CallError::Broken | CallError::Unreachable { .. }) => return known,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Every acknowledged record is where it was said to be, and the log extends what it signed before.
async fn check(
    client: &Client,
    ready: &serde_json::Value,
    known: &[(u64, AccountId)],
    before: Option<String>,
) {
    let key = VerifierKey::parse(ready["log_key"].as_str().unwrap()).unwrap();
    let verify = |note: &str| SignedCheckpoint::parse(note).unwrap().verify(&key).unwrap();
    let now = verify(&client.checkpoint().await.unwrap());
    if let Some(before) = before.map(|note| verify(&note)) {
        let proof = client.consistency_proof(before.size(), now.size()).await.unwrap();
        verify_consistency(before.size(), now.size(), &proof, &before.root(), &now.root()).unwrap();
    }
    for (index, id) in known {
        assert_eq!(shown(client, *index).await.actor().id, id.to_string(), "entry {index}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_its_files_and_its_memory_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = Program::start(folder.path());
    Program::client(folder.path()).append(draft(AccountId::random())).await.unwrap();
    let mode = |path: &str| {
        let metadata = std::fs::metadata(folder.path().join(path)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
    };
    for (path, expected) in [
        ("state", 0o700),
        ("run", 0o700),
        ("run/element.sock", 0o600),
        ("state/journal", 0o600),
        ("state/keys", 0o700),
    ] {
        assert_eq!(mode(path), expected, "{path}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.0.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn it_says_in_one_line_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = Program::start(folder.path());
    drop(program);
    std::fs::remove_dir_all(folder.path().join("state/keys")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sceau-element"))
        .args(["--origin", "sceau.test/log", "--state"])
        .arg(folder.path().join("state"))
        .arg("--socket")
        .arg(folder.path().join("run/element.sock"))
        .arg("--keystore-passphrase-file")
        .arg(folder.path().join("passphrase"))
        .output()
        .unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    // The log has a key somewhere: a new one must not be made in its place.
    assert!(!folder.path().join("state/keys").exists());
}

/// What it says of such arguments, and its status.
fn told(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sceau-element")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn its_help_says_how_a_standby_is_taken_over_and_a_command_line_does_one_thing() {
    let (code, said) = told(&["--help"]);
    assert_eq!(code, Some(0));
    for part in ["sceau-element <COMMAND>", "take-over", "--state <STATE>"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, said) = told(&["take-over", "--help"]);
    assert!(code == Some(0) && said.contains("--behind"), "{said}");
    for (arguments, words) in [
        (&[][..], "--state"),
        (&["--state", "/nowhere"], "--socket"),
        (&["take-over"], "--into"),
        (&["take-over", "--socket", "/nowhere"], "--socket"),
        (&["--state", "/nowhere", "take-over", "--state", "/nowhere"], "take-over"),
        (&["--retain-personal", "37"], "from 1 to 36"),
    ] {
        let (code, said) = told(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
