//! An authority outside that certifies holders' keys (`tests/judges/est_server.py`): its certificates are OpenSSL's.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Keyrings;
use crate::{Program, Running, Scratch, until};

/// How it answers a request.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    /// By a certificate.
    Issues,
    /// That somebody decides first.
    Later,
    /// By a certificate of another key.
    AnotherKey,
    /// That it does not.
    Refuses,
}

/// The authority, and a folder that it is in.
pub struct EstAuthority {
    /// The folder.
    pub scratch: Scratch,
    running: Option<Running>,
    port: String,
    url: String,
}

impl EstAuthority {
    /// Starts one that answers so.
    pub fn start(name: &str, answers: Answers) -> Self {
        let scratch = Scratch::new(name);
        scratch.write("password", "a password of six words in all");
        let (running, port, url) = (None, "0".to_owned(), String::new());
        let mut authority = Self { scratch, running, port, url };
        authority.answers(answers);
        authority.resume();
        authority
    }

    /// Starts it again, at the same address.
    pub fn resume(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/judges/est_server.py");
        let python = Program::other("python3").named("est").arg("-B").arg(script);
        let running = python.arg(self.scratch.path()).arg(&self.port).start(self.scratch.path());
        running.said("/port").clone_into(&mut self.port);
        running.said("/url").clone_into(&mut self.url);
        self.running = Some(running);
    }

    /// Ends it: nobody is at its address.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// How it answers from now on.
    pub fn answers(&self, answers: Answers) {
        let word = match answers {
            Answers::Issues => "issue",
            Answers::Later => "later",
            Answers::AnotherKey => "another-key",
            Answers::Refuses => "refuse",
        };
        self.scratch.write("mode", word);
    }

    /// Waits until it answered so, and gives what was asked.
    pub fn answered(&mut self, status: u16) -> Value {
        let words = format!("\"answered\": {status}}}");
        let line = self.running.as_mut().expect("it runs").wait_for(&words);
        serde_json::from_str(&line).expect("JSON")
    }

    /// Whom its certificates lead to.
    pub fn anchor(&self) -> PathBuf {
        self.scratch.join("root.pem")
    }

    /// It, in a policy.
    pub fn policy(&self) -> Value {
        json!({"est": {"url": self.url, "label": "holders", "anchor_files": [self.anchor()]}})
    }

    /// It, in the host's settings, known by a password.
    pub fn by_password(&self) -> String {
        self.set(&format!("user = \"sceau\"\npassword_file = {:?}\n", self.scratch.join("password")))
    }

    /// The same, known by a certificate.
    pub fn by_certificate(&self) -> String {
        let both = ["client.pem", "client.key"]
            .map(|name| std::fs::read_to_string(self.scratch.join(name)).expect("it was made"));
        let both = self.scratch.write("client.both", both.concat());
        self.set(&format!("identity_file = {both:?}\n"))
    }

    fn set(&self, more: &str) -> String {
        format!("[[keyrings.est]]\nurl = {:?}\nca_file = {:?}\n{more}", self.url, self.anchor())
    }
}

impl Keyrings {
    /// What the host said in its log.
    pub fn host_log(&self) -> String {
        self.host.as_ref().expect("it runs").log()
    }

    /// Waits until the host said this in its log.
    pub async fn host_says(&self, words: &str) {
        until(words, async || self.host_log().contains(words)).await;
    }

    /// Where the keyring of a terminal stands.
    pub fn phase(&self, folder: &Path) -> String {
        super::said(&self.on(folder, &["state"]).success(), "/standing/phase")
    }

    /// Waits until the keyring of a terminal is in use.
    pub async fn is_active(&self, folder: &Path) {
        until("the keyring is active", async || self.phase(folder) == "active").await;
    }
}
