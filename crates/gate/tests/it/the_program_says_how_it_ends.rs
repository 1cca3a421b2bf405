//! `sceau-gate`, run as a person and a service manager run it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::outside::{chain, usual};

fn gate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sceau-gate"))
}

#[test]
fn what_was_written_and_what_the_machine_does_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    for (text, code, said) in [
        (None, 3, "gate.toml"),
        (Some("listener = 1"), 3, "the configuration cannot be read"),
        (Some("listener = []\nsecret = 'no'"), 3, "unknown field `secret`"),
    ] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let ended = gate().arg("check").arg("--config").arg(&file).output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{words}");
        assert!(words.starts_with("sceau-gate: ") && words.contains(said), "{words}");
        assert!(ended.stdout.is_empty());
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for (address, code) in [(taken, 1), ("192.0.2.1:1".parse().unwrap(), 3)] {
        let text =
            usual("127.0.0.1:9".parse().unwrap(), &lists()).replace("127.0.0.1:0", &address.to_string());
        std::fs::write(&file, text).unwrap();
        let ended = gate().arg("run").arg("--config").arg(&file).output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{words}");
        assert!(words.contains(&format!("cannot listen on {address}")), "{words}");
    }
}

fn lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

#[test]
fn a_check_looks_whether_a_journal_and_a_log_can_be_written_and_writes_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let usual = usual("127.0.0.1:9".parse().unwrap(), &lists());
    for (journal, log, said) in [
        ("unchecked.jsonl", "access.jsonl", None),
        ("unchecked.jsonl", "-", None),
        ("folder", "access.jsonl", Some("clients.recette, fail_open.journal: cannot use ")),
        ("unchecked.jsonl", "folder", Some("observe, access_log: cannot use ")),
        ("unchecked.jsonl", "none/access.jsonl", Some("observe, access_log: cannot use ")),
        ("unchecked.jsonl", "gate.toml/access.jsonl", Some("observe, access_log: cannot use ")),
    ] {
        let open = format!("fail_open = {{ maximum_age = \"1h\", journal = \"{journal}\" }}\naddresses =");
        let text = usual.replace("addresses =", &open);
        std::fs::write(&file, format!("{text}[observe]\naccess_log = \"{log}\"\n")).unwrap();
        // As a person who stands in its folder, too: a file's name alone has no folder before it.
        let here = ["check", "--config", "gate.toml"];
        let ended = gate().args(here).current_dir(folder.path()).output().unwrap();
        assert_eq!(ended.status.code(), Some(if said.is_some() { 3 } else { 0 }), "{journal} {log}");
        let ended = gate().arg("check").arg("--config").arg(&file).output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(if said.is_some() { 3 } else { 0 }), "{journal} {log}: {words}");
        assert!(said.is_none_or(|said| words.contains(said)), "{words}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was made: {journal} {log}");
    }
}

#[test]
fn a_check_names_each_authority_of_which_no_list_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    let told = |lists: [String; 2], more: &str| {
        let text = usual("127.0.0.1:9".parse().unwrap(), &lists)
            .replace("addresses =", &format!("{more}\naddresses ="));
        std::fs::write(&file, text).unwrap();
        let ended = gate().arg("check").arg("--config").arg(&file).output().unwrap();
        assert!(ended.status.success());
        String::from_utf8(ended.stderr).unwrap().matches("no list of this authority").count()
    };
    let [root, authority] = lists();
    assert_eq!(told([root.clone(), authority.clone()], ""), 0);
    assert_eq!(
        told([authority.clone(), authority.clone()], ""),
        1,
        "the root's, which says that the authority is good"
    );
    assert_eq!(told([root, authority.clone()], ""), 0);
    let open = "fail_open = { maximum_age = \"1h\", journal = \"unchecked.jsonl\" }";
    assert_eq!(told([authority.clone(), authority], open), 0, "they pass, and the journal has each");
}

#[test]
fn a_check_looks_whether_an_authority_can_be_asked_and_what_it_answers_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let text = "[[listener]]\naddress = \"127.0.0.1:0\"\nca = \"house\"\nnames = [\"gate.example\"]\n[[listener.route]]\n\
                upstream = \"http://127.0.0.1:9\"\n[ca.house]\nfolder = \"exchange\"\nstate = \"kept/certificates\"\n";
    std::fs::write(at.join("gate.toml"), text).unwrap();
    let check = |code: i32, said: &str| {
        let ended = gate().args(["check", "--config", "gate.toml"]).current_dir(at).output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(code) && words.contains(said), "{:?} {words}", ended.status);
    };
    check(3, "exchange/requests");
    std::fs::create_dir_all(at.join("exchange/requests")).unwrap();
    check(0, "");
    assert!(!at.join("kept").exists() && !at.join("exchange/answers").exists(), "nothing was made");
    std::fs::write(at.join("kept"), "no folder").unwrap();
    check(3, "kept/certificates");
}

#[test]
fn the_statement_is_written_where_and_as_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    std::fs::write(&file, usual("127.0.0.1:9".parse().unwrap(), &lists())).unwrap();
    let page = folder.path().join("page.html");
    for (words, session, lang) in
        [(vec!["--language", "fr"], "en_GB.UTF-8", "fr"), (vec![], "fr_FR.UTF-8", "fr"), (vec![], "C", "en")]
    {
        let mut command = gate();
        command.arg("statement").arg("--config").arg(&file).args(words).arg("-o").arg(&page);
        assert!(command.env("LC_ALL", session).status().unwrap().success());
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(&format!("<html lang=\"{lang}\">")), "{session}");
    }
}

#[test]
fn it_says_where_it_listens_and_ends_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    let text = usual("127.0.0.1:9".parse().unwrap(), &lists());
    std::fs::write(&file, text).unwrap();
    let mut command = gate();
    command.args(["run", "--die-with-parent", "--config"]).arg(&file);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address: std::net::SocketAddr = ready["addresses"][0].as_str().unwrap().parse().unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    kill_process(Pid::from_child(&running), Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
}
