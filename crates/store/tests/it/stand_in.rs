//! Servers of other people, started for a test: `tests/judges/servers_*.py` in its own virtual environment, told what to do line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server that ends with the test: its standard input does.
pub(crate) struct StandIn {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl StandIn {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let judges = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/judges");
        let python = target().join("venv-servers/bin/python");
        assert!(python.exists(), "{} is missing: cargo xtask test --only tools makes it", python.display());
        let mut process = Command::new(python)
            .arg("-B")
            .arg(judges.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        answers.read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).expect("it says that it is ready");
        let port = u16::try_from(ready["port"].as_u64().unwrap()).unwrap();
        Self { process, orders, answers, port }
    }

    /// Tells it what to do; gives its answer.
    pub(crate) fn ask(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Cargo's folder: the tests are in `debug/deps` of it.
fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}
