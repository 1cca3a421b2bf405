//! Private keys within a work tree of git: what the gate would make there is refused, what it finds there is refused by the check and told by the log.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use sceau_gate::Plan;

use crate::outside::{chain, run};

/// A project under version control, as git makes it.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "git", "init -q project");
    folder
}

/// A listener with this between its address and its route.
fn listener(settings: &str, route: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n{settings}\n[[listener.route]]\nupstream = \"http://127.0.0.1:9\"\n{route}\n"
    )
}

fn check(folder: &Path, text: &str) -> (Option<i32>, String) {
    fs::write(folder.join("gate.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
    let output = command.args(["check", "--config", "gate.toml"]).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What a gate that runs by this folder's file has in its log, once it was ready and ended as it was asked.
fn told_by_a_gate(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
    command.args(["run", "--die-with-parent", "--config", "gate.toml"]).current_dir(folder);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    kill_process(Pid::from_child(&running), Signal::TERM).unwrap();
    let ended = running.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{log}");
    log
}

fn key(at: &Path) {
    fs::copy(chain().join("server.key"), at).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn where_a_key_would_be_made_is_refused() {
    let folder = project();
    for part in ["requests", "answers"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    for (issuer, table) in [("acme", "[acme.a]\nterms_agreed = true\n"), ("ca", "[ca.a]\nfolder = \".\"\n")] {
        let wanted = format!("{issuer} = \"a\"\nnames = [\"a.example\"]");
        let inside = format!("{table}state = \"project/state\"\n{}", listener(&wanted, ""));
        let (code, said) = check(folder.path(), &inside);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(&format!("{issuer}.a, state: ")) && said.contains("version control"), "{said}");
        // A gate does not run so either, and makes nothing.
        let error = Plan::read(&folder.path().join("gate.toml")).unwrap_err().to_string();
        assert!(error.contains("project/state is within"), "{error}");
        assert!(!folder.path().join("project/state").exists());
        let (code, said) = check(folder.path(), &inside.replace("project/state", "state"));
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn a_key_that_is_there_is_refused_by_the_check_and_a_gate_that_runs_goes_on() {
    let folder = project();
    let (inside, outside) = (folder.path().join("project/gate.key"), folder.path().join("gate.key"));
    key(&inside);
    key(&outside);
    let certificate = format!("certificate = \"{}/server.pem\"", chain().display());
    let text = |path: &str| listener(&format!("{certificate}\nkey = {path:?}"), "");
    let (code, said) = check(folder.path(), &text("project/gate.key"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("listener 1, key: ") && said.contains("version control (git)"), "{said}");
    assert!(!said.contains("key_in_git_tree"), "once: {said}");
    let told = told_by_a_gate(folder.path());
    assert_eq!(told.matches("key_in_git_tree").count(), 1, "{told}");
    assert!(told.contains("listener 1, key: ") && told.contains("version control (git)"), "{told}");
    assert_eq!(check(folder.path(), &text("gate.key")).0, Some(0));
    // A link leads there too.
    fs::remove_file(&outside).unwrap();
    std::os::unix::fs::symlink(&inside, &outside).unwrap();
    assert_eq!(check(folder.path(), &text("gate.key")).0, Some(3));
}

#[test]
fn each_setting_that_names_a_key_is_looked_at() {
    let folder = project();
    for place in ["project", "."] {
        key(&folder.path().join(place).join("gate.key"));
        let account = folder.path().join(place).join("eab.key");
        fs::write(&account, "c2VjcmV0").unwrap();
        fs::set_permissions(&account, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let chain = chain().display();
    let ends =
        |route: &str| listener(&format!("certificate = \"{chain}/server.pem\"\nkey = \"gate.key\""), route);
    let shown = format!("certificate = \"{chain}/server.pem\", key = \"project/gate.key\"");
    let clients = format!("[clients.a]\nanchors = [\"{chain}/root.pem\"]\n");
    for (setting, text) in [
        (
            "listener 1, route 1, tls.key",
            ends(&format!("tls = {{ {shown} }}")).replace("http://127", "https://127"),
        ),
        (
            "listener 1, route 1, assertion.key",
            ends("clients = \"a\"\nassertion = { key = \"project/gate.key\", audience = \"b\" }") + &clients,
        ),
        (
            "outgoing 1, tls.key",
            format!(
                "[[outgoing]]\naddress = \"127.0.0.1:0\"\nto = \"https://a.example\"\ntls = {{ {shown} }}\n"
            ),
        ),
        (
            "acme.a, external_account.key",
            listener("acme = \"a\"\nnames = [\"a.example\"]", "")
                + "[acme.a]\nterms_agreed = true\nexternal_account = { id = \"one\", key = \"project/eab.key\" }\n",
        ),
    ] {
        let (code, said) = check(folder.path(), &text);
        assert_eq!(code, Some(3), "{setting}: {said}");
        assert!(said.contains(&format!("{setting}: ")) && said.contains("version control"), "{said}");
        let (code, said) = check(folder.path(), &text.replace("project/", ""));
        assert_eq!(code, Some(0), "{setting}: {said}");
    }
}
