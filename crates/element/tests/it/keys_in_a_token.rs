//! An element whose keys were moved from files into a token of SoftHSM goes on with its log under the same key, opens what software sealed, and bears
//! that the token is pulled out and put back. A module is loaded once into a process, so that the test runs in one of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sceau_element_api::AccountId;
use sceau_hsm::pkcs11::{TokenKeystore, move_to_token};
use sceau_hsm::{Passphrase, Provider as _, Unlock};

use crate::house::shown;
use crate::kill::{Program, draft};

const CHILD: &str = "SCEAU_TEST_TOKEN";
/// Debian's `softhsm2`.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn the_log_goes_on_under_the_same_key_in_a_token() {
    beside_a_token("keys_in_a_token::the_log_goes_on_under_the_same_key_in_a_token", async |folder| {
        in_a_token(&folder).await;
    });
}

/// The module that does as it is told, in front of SoftHSM.
const BAD_DAYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../hsm/tests/module/bad_days.c");

/// The address of a keystore in the token beside this folder.
pub(crate) fn address(folder: &Path) -> String {
    address_by(MODULE, folder)
}

fn address_by(module: &str, folder: &Path) -> String {
    let pin = folder.join("pin");
    format!("pkcs11:token=essai;object=element?module-path={module}&pin-source=file:{}", pin.display())
}

/// The same by the module that does as it is told by [`order`].
pub(crate) fn address_on_bad_days(folder: &Path) -> String {
    let module = folder.join("bad-days.so");
    let mut compile = Command::new("cc");
    compile
        .args(["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-o"])
        .arg(&module)
        .args([BAD_DAYS, "-ldl"]);
    assert!(compile.status().unwrap().success());
    address_by(module.to_str().unwrap(), folder)
}

/// What that module does from now on: see its source.
pub(crate) fn order(folder: &Path, orders: &str) {
    fs::write(folder.join("orders.new"), orders).unwrap();
    fs::rename(folder.join("orders.new"), folder.join("orders")).unwrap();
}

/// Runs `judge`, the test of this name, in a process of its own, with a folder in which a token of SoftHSM is.
pub(crate) fn beside_a_token(name: &str, judge: impl AsyncFnOnce(PathBuf)) {
    if let Some(folder) = std::env::var_os(CHILD) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(judge(folder.into()));
        drop(runtime);
        return until_writers_end();
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = folder.path().join("softhsm2.conf");
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    fs::write(folder.path().join("pin"), "un code assez long\n").unwrap();
    fs::set_permissions(folder.path().join("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut init = Command::new("softhsm2-util");
    init.args([
        "--init-token",
        "--free",
        "--label",
        "essai",
        "--pin",
        "un code assez long",
        "--so-pin",
        "douze chiffres",
    ]);
    assert!(init.env("SOFTHSM2_CONF", &conf).output().unwrap().status.success());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, folder.path())
        .env("SOFTHSM2_CONF", &conf)
        .env("SCEAU_BAD_DAYS_BEHIND", MODULE)
        .env("SCEAU_BAD_DAYS_ORDERS", folder.path().join("orders"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{}: {said}", child.status);
}

/// Waits for the threads that end once their element's last caller is gone: a process that ends while one of them still closes its sessions takes the token's
/// module away under it. The program joins its own.
fn until_writers_end() {
    let writes =
        |task: fs::DirEntry| fs::read(task.path().join("comm")).is_ok_and(|name| name == b"writer\n");
    while fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok).any(writes) {
        std::thread::yield_now();
    }
}

async fn in_a_token(folder: &Path) {
    let address = address(folder);
    let (by_token, uri) = (["--keystore-token", &address], address.parse().unwrap());
    let client = Program::client(folder);
    let old: Vec<_> = std::iter::repeat_with(AccountId::random).take(5).collect();
    let (program, ready) = Program::start(folder);
    let mut known = Vec::new();
    for id in &old {
        known.push((client.append(draft(*id)).await.unwrap(), *id));
    }
    drop(program);
    assert!(Program::start_with(folder, &by_token).is_none(), "keys in files are not passed over");

    let unlock = || Unlock::Passphrase(Passphrase::from_file(&folder.join("passphrase")).unwrap());
    let (files, token) = (folder.join("state/keys"), folder.join("state/token"));
    let moved = move_to_token(&files, &unlock(), &token, &uri).unwrap();
    assert_eq!(moved.len(), 2);
    assert!(
        !files.join("keystore.json").exists() && fs::read_dir(files.join("keys")).unwrap().next().is_none()
    );
    let by_passphrase =
        ["--keystore-passphrase-file", folder.join("passphrase").to_str().unwrap()].map(str::to_owned);
    assert!(
        Program::start_with(folder, &by_passphrase.each_ref().map(String::as_str)).is_none(),
        "keys are in the token"
    );

    for _ in 0..2 {
        let (program, again) = Program::start_with(folder, &by_token).unwrap();
        assert_eq!(again["log_key"], ready["log_key"]);
        is_confined(&program);
        let id = AccountId::random();
        known.push((client.append(draft(id)).await.unwrap(), id));
        for (index, id) in &known {
            let record = String::from_utf8(shown(&client, *index).await.to_bytes()).unwrap();
            assert!(record.contains(&id.to_string()), "{record}");
        }
    }
    the_token_is_pulled_out_and_put_back(folder, &by_token).await;
    let keystore = TokenKeystore::open(&token, &uri).unwrap();
    assert!(keystore.judging().unwrap().altered().unwrap().is_empty());
}

/// What is to be recorded waits, and is recorded; nothing is acknowledged meanwhile.
async fn the_token_is_pulled_out_and_put_back(folder: &Path, by_token: &[&str]) {
    let (program, _) = Program::start_with(folder, by_token).unwrap();
    let client = Program::client(folder);
    let (there, away) = (folder.join("tokens"), folder.join("pulled-out"));
    fs::rename(&there, &away).unwrap();
    fs::create_dir(&there).unwrap();
    let id = AccountId::random();
    let mut waiting = tokio::spawn({
        let client = Program::client(folder);
        async move { client.append(draft(id)).await }
    });
    let mut is_not_recorded = async || {
        let waits = tokio::time::timeout(Duration::from_secs(3), &mut waiting).await.is_err();
        assert!(waits, "it was recorded without a key");
    };
    is_not_recorded().await;
    // Not even the folder of tokens: the module is started anew meanwhile, each second, and fails at it.
    fs::remove_dir(&there).unwrap();
    is_not_recorded().await;
    fs::rename(&away, &there).unwrap();
    let said = || fs::read_to_string(folder.join("said")).unwrap();
    let index = waiting.await.unwrap().unwrap_or_else(|error| panic!("{error}: {}", said()));
    let record = String::from_utf8(shown(&client, index).await.to_bytes()).unwrap();
    assert!(record.contains(&id.to_string()));
    is_confined(&program);
}

fn is_confined(program: &Program) {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    assert!(status.lines().any(|line| line == "Seccomp:\t2"), "{status}");
}
