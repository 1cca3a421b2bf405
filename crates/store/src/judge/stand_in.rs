//! Servers of other people, started for a test: `tests/judges/servers_*.py` in its own virtual environment, told what to do line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A server that ends with the test: its standard input does.
#[derive(Debug)]
pub struct StandIn {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    port: u16,
}

impl StandIn {
    /// Starts a script, and waits until it says that it is ready.
    ///
    /// # Errors
    /// In words: its environment is not there, or it ended.
    pub fn start(script: &str, arguments: &[&str]) -> Result<Self, String> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
        let mut process = Command::new(format!("{target}/venv-servers/bin/python"))
            .args(["-B", &format!("{root}/tests/judges/{script}")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("{error}: `cargo xtask test --only tools` makes what the judge stands on")
            })?;
        let orders = process.stdin.take().ok_or("no input")?;
        let mut answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut ready = String::new();
        answers.read_line(&mut ready).map_err(|error| error.to_string())?;
        let ready: serde_json::Value =
            serde_json::from_str(&ready).map_err(|_| format!("{script} is not ready"))?;
        let port =
            ready.get("port").and_then(serde_json::Value::as_u64).and_then(|port| port.try_into().ok());
        let port = port.ok_or("it says no port")?;
        Ok(Self { process, pipes: Mutex::new((orders, answers)), port })
    }

    /// Where it listens, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Tells it what to do; gives its answer, which is empty if it ended.
    pub fn ask(&self, order: &str) -> String {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = String::new();
        let said = writeln!(pipes.0, "{order}").and_then(|()| pipes.1.read_line(&mut answer));
        said.map_or_else(|_| String::new(), |_| answer.trim_end().to_owned())
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
