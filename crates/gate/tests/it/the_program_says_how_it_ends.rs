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
fn a_wrong_file_and_a_missing_one_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    for (text, code, said) in [
        (None, 1, "gate.toml"),
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
}

#[test]
fn it_says_where_it_listens_and_ends_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let text = usual("127.0.0.1:9".parse().unwrap(), &lists);
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
