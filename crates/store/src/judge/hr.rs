//! The HR system of a company, played by a client that we did not write (`tests/judges/hr.py`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::RabbitJudge;

/// Its process, which ends when this is dropped.
#[derive(Debug)]
pub struct HrJudge {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl HrJudge {
    /// At this broker, with a login and a password, in a virtual host. It connects at its first order.
    ///
    /// # Errors
    /// In words: its environment is not there.
    pub fn start(broker: &RabbitJudge, login: &str, password: &str, vhost: &str) -> Result<Self, String> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
        let mut child = Command::new(format!("{target}/venv-amqp/bin/python"))
            .args(["-B", &format!("{root}/tests/judges/hr.py")])
            .arg(broker.port().to_string())
            .arg(broker.authority_file())
            .args([login, vhost])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("{error}: `cargo xtask test --only tools` makes what the judge stands on")
            })?;
        let mut input = child.stdin.take().ok_or("no input")?;
        writeln!(input, "{password}").map_err(|error| error.to_string())?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, pipes: Mutex::new((input, output)) })
    }

    /// With the login of company `who`, in the virtual host of company `whose`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn of(broker: &RabbitJudge, who: &str, whose: &str) -> Result<Self, String> {
        let (login, password) = broker.login_of(who);
        Self::start(broker, &login, password, &format!("mob.{whose}"))
    }

    /// An order and its answer, as the script has them; null if it ended.
    pub fn order(&self, order: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        let said = writeln!(pipes.0, "{order}").and_then(|()| pipes.1.read_line(&mut line));
        said.ok().and_then(|_| serde_json::from_str(&line).ok()).unwrap_or(Value::Null)
    }

    /// The next message of a queue, waited for.
    pub fn take(&self, queue: &str) -> Value {
        self.order(&json!({"act": "take", "queue": queue}))
    }

    /// Publishes through the exchange, under confirms.
    pub fn send(&self, headers: &Value, body: &str) -> Value {
        self.order(&json!({"act": "send", "headers": headers, "body": body}))
    }

    /// The same with octets that need not be text.
    pub fn send_octets(&self, headers: &Value, octets: &[u8]) -> Value {
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets);
        self.order(&json!({"act": "send", "headers": headers, "body64": body}))
    }
}

impl Drop for HrJudge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
