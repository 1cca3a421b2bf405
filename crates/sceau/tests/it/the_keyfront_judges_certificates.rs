//! `sceau serve keyfront` with `[protect.clients]`: OpenSSL is the authority, curl calls. A stand-in for the element says who it is, and nothing more.

use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStdout, Command};

use serde_json::{Value, json};

use crate::authorities::{authorities, client, identity};
use crate::support::Desk;
use crate::the_intake_judges_certificates::{list, replace, said};

const HOST: &str = "localhost";
const WORDS: [&str; 10] = [
    "serve",
    "keyfront",
    "--config",
    "settings.toml",
    "--data",
    "data",
    "--element",
    "element.sock",
    "--listen",
    "127.0.0.1:0",
];

struct Stage {
    desk: Desk,
    keyfront: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

/// Authorities, clients, and what a keyfront starts with.
fn prepared() -> Desk {
    let desk = Desk::new();
    authorities(&desk);
    for name in ["good", "other"] {
        client(&desk, name, &format!("/C=FR/O=ESSAI/OU=MaaS/CN={name}.example.org"), "leaf.ext");
    }
    list(&desk, "root", &[], 1);
    list(&desk, "aci", &[], 1);
    identity(&desk, HOST);
    std::fs::create_dir(desk.path("data")).unwrap();
    settings(&desk, "\"everybody\"", "good");
    desk
}

/// The settings of the platform, all at once: one client is named.
fn settings(desk: &Desk, demand: &str, named: &str) {
    let folder = desk.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    let text = format!(
        "[protect]\nbodies = 2\n[protect.clients]\nanchors = [\"{folder}/root.pem\"]\nintermediates = [\"{folder}/aci.pem\"]\n\
         issuer = \"{folder}/aci.pem\"\nrevocation_lists = [\"{folder}/root.crl\", \"{folder}/aci.crl\"]\ndemand = {demand}\n\
         [[protect.clients.allow]]\ncommon_name = \"{named}.example.org\"\norganizational_units = [\"MaaS\"]\n"
    );
    replace(desk, "settings.toml", text.as_bytes());
}

/// An element that answers `hello` on each connection, until its folder goes.
fn element(desk: &Desk) {
    let listener = UnixListener::bind(desk.path("element.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || hello(stream));
        }
    });
}

/// Frames of the element's protocol: four octets of length, then JSON.
fn hello(mut stream: UnixStream) -> Option<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut frame).ok()?;
        let asked: Value = serde_json::from_slice(&frame).ok()?;
        let who = json!({
            "protocol": 1, "origin": "judge.test/log", "log_key": "none", "rp_id": "localhost", "size": 0, "has_platform_admin": false,
        });
        let answer = json!({"call": asked["call"], "response": {"hello": who}}).to_string();
        stream.write_all(&(answer.len() as u32).to_be_bytes()).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

impl Stage {
    fn set() -> Self {
        let desk = prepared();
        element(&desk);
        let words = [&WORDS[..], &["--tls", "identity.pem"]].concat();
        let (keyfront, out, ready) = desk.serving("keyfront.log", &words);
        assert_eq!((&ready["ready"], &ready["audience"]), (&json!("keyfront"), &json!("judge.test/log")));
        let port = ready["url"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        Self { desk, keyfront, out, port }
    }

    /// What who shows `NAME.pem`, or nothing, is told there: status and code.
    fn asks(&self, shown: Option<&str>, path: &str) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.current_dir(self.desk.path("")).args(["-sS", "-i", "--noproxy", "*", "--cacert", "server.pem"]);
        curl.args(["--resolve", &format!("{HOST}:{}:127.0.0.1", self.port)]);
        if let Some(name) = shown {
            curl.args(["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")]);
        }
        let (head, body) = said(curl.arg(format!("https://{HOST}:{}{path}", self.port)));
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    fn says(&self, shown: Option<&str>, told: (u16, &str)) {
        assert_eq!(self.asks(shown, "/v1/protect/keyfront"), (told.0, told.1.to_owned()), "{shown:?}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.keyfront.kill();
        let _ = self.keyfront.wait();
        let _ = std::io::copy(&mut self.out, &mut std::io::sink());
    }
}

#[test]
fn the_section_is_taken_and_read_again_while_it_runs() {
    let stage = Stage::set();
    let desk = &stage.desk;
    stage.says(Some("good"), (200, ""));
    stage.says(None, (401, "certificate_missing"));
    stage.says(Some("other"), (403, "client_unknown"));
    assert_eq!(stage.asks(None, "/check").0, 200, "who watches it shows none");

    // Another name, a demand for other places, and what cannot be read in its place.
    settings(desk, "\"everybody\"", "other");
    stage.says(Some("good"), (403, "client_unknown"));
    stage.says(Some("other"), (200, ""));
    settings(desk, "[\"/v1/protect/encrypt\"]", "good");
    stage.says(None, (200, ""));
    replace(desk, "settings.toml", b"[protect.clients]\ndemand = 3\n");
    stage.says(Some("other"), (403, "client_unknown"));
    replace(desk, "settings.toml", b"[protect]\n");
    stage.says(Some("other"), (403, "client_unknown"));
    settings(desk, "\"nobody\"", "good");
    stage.says(None, (200, ""));

    // A list that takes one back, and an older one in its place.
    let old = desk.read("aci.crl");
    list(desk, "aci", &["good"], 2);
    stage.says(Some("good"), (403, "certificate_revoked"));
    replace(desk, "aci.crl", &old);
    stage.says(Some("good"), (403, "certificate_revoked"));
    let log = String::from_utf8(desk.read("keyfront.log")).unwrap();
    for words in ["the section about clients is gone", "older than the one in use"] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn a_keyfront_that_could_judge_nobody_does_not_start() {
    let desk = prepared();
    element(&desk);
    let refused = |more: &[&str], said: &str| {
        let ran = desk.run(&[&WORDS[..], more].concat());
        assert_eq!(ran.code, 2, "{said}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    };
    refused(&[], "--tls");
    let tls = ["--tls", "identity.pem"];
    settings(&desk, "[\"/v1/protect/nowhere\"]", "good");
    refused(&tls, "nothing is at \"/v1/protect/nowhere\"");
    settings(&desk, "\"everybody\"", "good");
    replace(&desk, "aci.crl", b"no list");
    refused(&tls, "aci.crl");
}
