//! The machine of the element is lost while applications ask for keys, and another one takes over from the standby: whoever was answered finds it so. Of two that would
//! serve, one acknowledges nothing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use sceau_element_api::{AccountId, CallError};
use serde_json::json;

use crate::keys_in_a_token::{address, beside_a_token};
use crate::kill::{Program, draft};
use crate::killed_under_calls::{application, begin};
use crate::token_on_bad_days::reaches;

/// Applications that ask at once.
const CALLERS: usize = 4;

/// Two machines: a folder with `state`, `run` and the passphrase each; or keys in a token that both reach.
struct Machines {
    first: tempfile::TempDir,
    second: tempfile::TempDir,
    token: Option<String>,
}

impl Machines {
    fn new() -> Self {
        let machine = || {
            let folder = tempfile::tempdir().unwrap();
            Program::passphrase(folder.path());
            folder
        };
        let machines = Self { first: machine(), second: machine(), token: None };
        std::fs::create_dir(machines.second.path().join("state")).unwrap();
        std::fs::set_permissions(machines.second.path().join("state"), PermissionsExt::from_mode(0o700))
            .unwrap();
        machines
    }

    fn sharing(token: String) -> Self {
        Self { token: Some(token), ..Self::new() }
    }

    /// The element of the first, whose standby is the second's state.
    fn first(&self) -> Option<Program> {
        let standby = self.second.path().join("state");
        self.start(self.first.path(), &["--standby", standby.to_str().unwrap()])
    }

    /// The element of the second, which serves from another folder than the standby's.
    fn second(&self) -> Option<Program> {
        self.start(&self.served(), &[])
    }

    /// A folder with what the second serves as its `state`.
    fn served(&self) -> PathBuf {
        let folder = self.second.path().join("served");
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            Program::passphrase(&folder);
        }
        folder
    }

    fn start(&self, folder: &Path, further: &[&str]) -> Option<Program> {
        let passphrase = Program::passphrase(folder);
        let keystore = match &self.token {
            Some(token) => ["--keystore-token", token],
            None => ["--keystore-passphrase-file", passphrase.to_str().unwrap()],
        };
        let arguments: Vec<_> = keystore
            .iter()
            .chain(&["--protect-tenants", "1", "--epoch-overlap", "0"])
            .chain(further)
            .copied()
            .collect();
        Program::start_with(folder, &arguments).map(|(program, _)| program)
    }

    fn take_over(&self) {
        take_over(&self.standby(), &self.served().join("state"), &[]).unwrap();
    }

    fn standby(&self) -> PathBuf {
        self.second.path().join("state")
    }

    fn journals(&self) -> [Vec<u8>; 2] {
        [&self.first, &self.second].map(|it| std::fs::read(it.path().join("state/journal")).unwrap())
    }

    /// Whether nobody serves from the standby's own folder; what it said.
    fn serves_no_standby(&self) -> String {
        assert!(self.start(self.second.path(), &[]).is_none(), "a standby itself is not served");
        said(self.second.path())
    }
}

/// What it says, or why not.
fn take_over(standby: &Path, into: &Path, further: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-element"));
    let done = command
        .arg("take-over")
        .args(further)
        .arg("--state")
        .arg(standby)
        .arg("--into")
        .arg(into)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

/// An element whose standby was taken over ends so.
const TAKEN_OVER: Option<i32> = Some(77);

fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("said")).unwrap()
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_has_what_was_answered_and_goes_on_with_it() {
    goes_on(&Machines::new()).await;
}

#[test]
fn a_standby_goes_on_with_the_keys_of_a_token_that_both_reach() {
    let name = "standby::a_standby_goes_on_with_the_keys_of_a_token_that_both_reach";
    beside_a_token(name, async |folder| goes_on(&Machines::sharing(address(&folder))).await);
}

async fn goes_on(machines: &Machines) {
    let mut first = machines.first().unwrap();
    let (_, callers) = begin(machines.first.path(), CALLERS, 1).await;
    let older = machines.second.path().join("older");
    copy(&machines.second.path().join("state"), &older);
    let count = Arc::new(AtomicUsize::new(0));
    let asking: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            tokio::spawn(caller.until_broken(Program::client(machines.first.path()), Arc::clone(&count)))
        })
        .collect();
    reaches(&count, 40).await;
    first.kill();
    let mut callers = Vec::new();
    for caller in asking {
        callers.push(caller.await.unwrap());
    }
    // What the first may still have written and answered nobody is its own.
    let told = machines.serves_no_standby();
    assert!(told.contains("take-over --state STANDBY --into"), "{told}");
    machines.take_over();
    machines.serves_no_standby();
    let _second = machines.second().unwrap();
    let client = Program::client(&machines.served());
    for caller in &mut callers {
        caller.check(&client).await;
    }

    // The first comes back.
    assert!(machines.first().is_none(), "what was taken over is served no more");
    assert!(said(machines.first.path()).contains("was taken over"));
    assert!(machines.start(machines.first.path(), &[]).is_none(), "nor without its standby");
    // So does an older copy of the standby, where witnesses remember what came after it.
    let copied = tempfile::tempdir().unwrap();
    copy(&older, &copied.path().join("older"));
    copy(&machines.served().join("passphrase"), copied.path());
    take_over(&copied.path().join("older"), &copied.path().join("state"), &[]).unwrap();
    let witness = copied.path().join("witnesses");
    std::fs::write(&witness, client.checkpoint().await.unwrap()).unwrap();
    assert!(machines.start(copied.path(), &["--witness-file", witness.to_str().unwrap()]).is_none());
    assert!(said(copied.path()).contains("it is an old copy"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_would_serve_one_acknowledges_nothing() {
    let machines = Machines::new();
    let mut first = machines.first().unwrap();
    let client = Program::client(machines.first.path());
    let before = client.append(draft(AccountId::random())).await.unwrap();
    // The first is cut off from everybody, and goes on.
    machines.take_over();
    let _second = machines.second().unwrap();
    match client.append(draft(AccountId::random())).await {
        Err(CallError::Broken | CallError::Unreachable { .. } | CallError::Refused(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(first.wait(), TAKEN_OVER);
    assert!(said(machines.first.path()).contains("was taken over"));
    assert!(machines.start(machines.first.path(), &[]).is_none(), "nor without its standby");
    assert!(said(machines.first.path()).contains("with a standby or without"));
    let other = Program::client(&machines.served());
    // The start of the second is the entry after; what the first wrote meanwhile is nowhere.
    assert_eq!(other.append(draft(AccountId::random())).await.unwrap(), before + 2);
    drop(_second);
    assert!(machines.second().is_some(), "its journal is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_was_away_is_brought_what_it_lacks_and_an_older_state_is_refused() {
    let machines = Machines::new();
    drop(machines.first().unwrap());
    let older = machines.first.path().join("older");
    copy(&machines.first.path().join("state"), &older);
    // Without it for a while, and then with it.
    let alone = machines.start(machines.first.path(), &[]).unwrap();
    let client = Program::client(machines.first.path());
    client.append(draft(AccountId::random())).await.unwrap();
    drop(alone);
    let mounted = machines.second.path().join("state");
    std::fs::rename(&mounted, machines.second.path().join("away")).unwrap();
    assert!(machines.first().is_none(), "a mount that is missing is no standby");
    assert!(said(machines.first.path()).contains("is it mounted"));
    std::fs::rename(machines.second.path().join("away"), &mounted).unwrap();
    drop(machines.first().unwrap());
    let journals = machines.journals();
    assert_eq!(journals[0], journals[1]);
    std::fs::remove_dir_all(machines.first.path().join("state")).unwrap();
    std::fs::rename(&older, machines.first.path().join("state")).unwrap();
    assert!(machines.first().is_none());
    assert!(said(machines.first.path()).contains("take the standby over instead"));
    machines.take_over();
    assert!(machines.second().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_take_over_that_is_under_way_is_not_undone_by_a_start() {
    let machines = Machines::new();
    drop(machines.first().unwrap());
    let (standby, before) = (machines.standby(), machines.journals());
    let turn = std::fs::read(standby.join("standby")).unwrap();
    let over = [b"0".repeat(32).as_slice(), &turn[32..]].concat();
    // Its term is over; then the file has its other name.
    std::fs::write(standby.join("standby"), &over).unwrap();
    for _ in 0..2 {
        assert!(machines.first().is_none());
        assert!(said(machines.first.path()).contains("was taken over"));
        assert_eq!(machines.journals(), before);
        let _ = std::fs::rename(standby.join("standby"), standby.join("taken-over"));
    }
    machines.serves_no_standby();
    // Another one is at it.
    let lock = std::fs::File::create(standby.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let into = machines.served().join("state");
    assert!(take_over(&standby, &into, &[]).unwrap_err().contains("only one is active"));
    assert!(!into.exists());
    drop(lock);
    machines.take_over();
    let _second = machines.second().unwrap();
    assert!(machines.first().is_none());
    // Whose session broke says it again, while it is served; or into another folder.
    let again = |into: &Path| take_over(&standby, into, &[]).unwrap_err();
    assert!(again(&into).contains("only one is active"));
    assert!(again(&machines.served().join("other")).contains("two logs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_turn_has_no_file_any_more_acknowledges_nothing() {
    let machines = Machines::new();
    let mut first = machines.first().unwrap();
    std::fs::remove_file(machines.standby().join("standby")).unwrap();
    let client = Program::client(machines.first.path());
    assert!(client.append(draft(AccountId::random())).await.is_err());
    assert_eq!(first.wait(), TAKEN_OVER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_behind_is_taken_over_where_that_is_said_alone() {
    let machines = Machines::new();
    drop(machines.first().unwrap());
    let alone = machines.start(machines.first.path(), &[]).unwrap();
    Program::client(machines.first.path()).append(draft(AccountId::random())).await.unwrap();
    drop(alone);
    // A start with it that was lost before the standby had all.
    let claim = || sceau_element::Claimed::claim(&machines.standby(), &machines.first.path().join("state"));
    drop(claim().unwrap());
    let into = machines.served().join("state");
    let refused = take_over(&machines.standby(), &into, &[]).unwrap_err();
    assert!(refused.contains("is behind") && refused.contains("1 entries, the last one of 20"), "{refused}");
    // The first has it all, and brings it; another start that is lost then leaves nothing behind.
    drop(machines.first().unwrap());
    drop(claim().unwrap());
    let copied = tempfile::tempdir().unwrap();
    copy(&machines.standby(), &copied.path().join("state"));
    let other = copied.path().join("other");
    let told = take_over(&copied.path().join("state"), &other, &[]).unwrap();
    assert!(told.contains("has 4 entries, the last one of 20"), "{told}");
    drop(machines.start(machines.first.path(), &[]).unwrap());
    drop(claim().unwrap());
    assert!(take_over(&machines.standby(), &into, &[]).is_err());
    take_over(&machines.standby(), &into, &["--behind"]).unwrap();
    assert!(machines.second().is_some());
}

/// Names of the keys in files, at the first and at its standby.
fn key_files(machines: &Machines) -> [BTreeSet<OsString>; 2] {
    [&machines.first, &machines.second].map(|it| {
        let entries = std::fs::read_dir(it.path().join("state/keys/keys")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_that_turns_turns_at_the_standby_too() {
    let machines = Machines::new();
    let first = machines.first().unwrap();
    let client = Program::client(machines.first.path());
    let mut caller = application(&client).await;
    let op = caller.create();
    let kept = caller.ask(&client, "alice", op.clone()).await.unwrap();
    let key = caller.data_key(&kept);
    let erased = caller.ask(&client, "alice", op).await.unwrap();
    caller.ask(&client, "alice", json!({"erase": {"datum": erased.datum}})).await.unwrap();
    drop(first);
    let [before, there] = key_files(&machines);
    assert_eq!(before, there);
    // What a start without it destroys is at the standby until the next one with it.
    drop(machines.start(machines.first.path(), &[]).unwrap());
    let [here, there] = key_files(&machines);
    let left: Vec<_> = before.difference(&here).cloned().collect();
    assert!(left.len() == 1 && there == before, "{left:?}");
    let ended = machines.first.path().join("ended.key");
    copy(&machines.standby().join("keys/keys").join(&left[0]), &ended);
    let mut first = machines.first().unwrap();
    assert_eq!(key_files(&machines), [here.clone(), here]);
    // An epoch that turns while it follows.
    let op = caller.create();
    let other = caller.ask(&client, "alice", op).await.unwrap();
    caller.ask(&client, "alice", json!({"erase": {"datum": other.datum}})).await.unwrap();
    first.kill();
    let first = machines.first().unwrap();
    drop(first);
    let [here, there] = key_files(&machines);
    assert_eq!(here, there);
    let [own, standby] = machines.journals();
    assert_eq!(own, standby);
    machines.take_over();
    // The first was lost between the entry and the key, or somebody brings back what has ended.
    let came_back = machines.served().join("state/keys/keys").join(&left[0]);
    copy(&ended, &came_back);
    let _second = machines.second().unwrap();
    assert!(!came_back.exists(), "{}", said(&machines.served()));
    let client = Program::client(&machines.served());
    let op = caller.opening(&kept);
    // The database gets the salt that was sealed anew.
    let opened = caller.ask_mending(&client, "alice", op).await.unwrap();
    assert_eq!(caller.data_key(&opened), key);
}
