//! The bus, with the real broker over TLS, and an HR side that we did not write.

mod each_company_sees_its_own_queues_only;
mod messages_arrive_or_wait;
mod replies_are_settled_before_they_go;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use sceau_store::bus::Company;
use sceau_store::judge::RabbitJudge;
use serde_json::{Value, json};

/// One broker for all; each test has companies of its own.
pub(crate) fn judge() -> &'static RabbitJudge {
    static JUDGE: OnceLock<RabbitJudge> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
        let mut companies: Vec<(&str, Option<u32>)> = names.map(|name| (name, None)).to_vec();
        companies.push(("narrow", Some(3)));
        RabbitJudge::start(&companies).expect("a broker")
    })
}

pub(crate) fn company(name: &str) -> Company {
    name.parse().unwrap()
}

/// The HR system of a company, or of who pretends to be one.
pub(crate) struct Hr {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Hr {
    /// With the login of `who`, in the virtual host of `whose`.
    pub(crate) fn of(who: &str, whose: &str) -> Self {
        let judge = judge();
        let (login, password) = judge.login_of(who);
        Self::start(&login, password, &company(whose).vhost())
    }

    pub(crate) fn start(login: &str, password: &str, vhost: &str) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let python = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
        let mut child = Command::new(format!("{python}/venv-amqp/bin/python"))
            .args(["-B", &format!("{root}/tests/judges/hr.py")])
            .arg(judge().port().to_string())
            .arg(judge().authority_file())
            .args([login, vhost])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the judge's environment: `cargo xtask test --only tools` makes it");
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{password}").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, pipes: Mutex::new((input, output)) }
    }

    /// An order and its answer (`tests/judges/hr.py`).
    pub(crate) fn order(&self, order: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{order}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{order}: the judge says {line:?}"))
    }

    pub(crate) fn take(&self, queue: &str) -> Value {
        self.order(&json!({"act": "take", "queue": queue}))
    }

    pub(crate) fn send(&self, headers: &Value, body: &str) -> Value {
        self.order(&json!({"act": "send", "headers": headers, "body": body}))
    }
}

impl Drop for Hr {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
