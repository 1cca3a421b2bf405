//! A provider that logs people in by the keyrings of a test, and sites that we did not write.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::keyrings::{HandedKeyring, Keyrings, PROVIDER, said};
use crate::{Findings, Finished, Program, Running};

/// What sites know it by. It listens elsewhere, at a port that the system chose.
pub const ISSUER: &str = "https://login.localhost";
/// A secret of 256 bits, as `sceau provider secret` draws them.
pub const SECRET: &str = "qkK2f0E-9nLrWm5t1b3XvYc7ZsGhJp4dUo6aTeRiPwQ";

/// The process, and where it keeps what it keeps.
pub struct LoginProvider {
    process: Option<Running>,
    data: PathBuf,
    config: PathBuf,
}

impl LoginProvider {
    /// Starts one beside these keyrings, with these sites.
    pub fn start(keyrings: &Keyrings, clients: &str) -> Self {
        let file = |name: &str| keyrings.scratch.join(name).display().to_string();
        let settings = format!(
            "[provider]\nissuer = \"{ISSUER}\"\nname = \"Ville de Lyon\"\nid = \"{PROVIDER}\"\ncertificate_file = \"{}\"\nkey_file = \"{}\"\n\
             element_file = \"{}\"\nhost = \"{}\"\nhost_ca_file = \"{}\"\n{clients}",
            file("sp.pem"),
            file("sp.key"),
            file("element.json"),
            keyrings.address(),
            file("host.pem"),
        );
        let config = keyrings.scratch.write("provider.toml", settings);
        for name in ["provider.toml", "sp.key", "host.both"] {
            let mode = PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(keyrings.scratch.join(name), mode).expect("ours");
        }
        let mut provider = Self { process: None, data: keyrings.scratch.join("provider"), config };
        provider.restart(keyrings);
        provider
    }

    /// Starts it, anew where it runs.
    pub fn restart(&mut self, keyrings: &Keyrings) {
        drop(self.process.take());
        let program = Program::sceau("serve")
            .args(["provider", "--listen", "127.0.0.1:0", "--config"])
            .arg(&self.config)
            .arg("--data")
            .arg(&self.data)
            .arg("--tls")
            .arg(keyrings.scratch.join("host.both"));
        self.process = Some(program.named("provider").start(keyrings.scratch.path()));
    }

    /// Where it listens.
    pub fn at(&self) -> String {
        let ready = self.process.as_ref().expect("it runs").ready();
        format!("https://localhost:{}", ready["port"])
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.process.as_ref().expect("it runs").log()
    }

    /// `sceau provider …` on its folder.
    pub fn tend(&self, words: &[&str]) -> Finished {
        Program::sceau("provider").args(words.iter().copied()).arg("--data").arg(&self.data).run()
    }

    /// `sceau doctor` on its settings, with some words in the place of others and these lines after them.
    pub fn doctor(&self, keyrings: &Keyrings, [from, to]: [&str; 2], more: &str) -> Findings {
        let settings = std::fs::read_to_string(&self.config).expect("ours");
        assert!(settings.contains(from), "{from}");
        let looked = keyrings.scratch.write("looked.toml", format!("{}{more}", settings.replace(from, to)));
        Findings::said_by(&Program::sceau("doctor").args(["--data", "/nowhere", "--provider"]).arg(&looked))
    }

    /// A site begins to log somebody in: what it says first is its ready line.
    pub fn site(&self, keyrings: &Keyrings, more: &Value) -> Running {
        let mut told = json!({"issuer": ISSUER, "at": self.at(), "client": "library", "secret": SECRET, "alias": "m.curie"});
        for (member, value) in more.as_object().into_iter().flatten() {
            told[member] = value.clone();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/provider/site.mjs");
        Program::other("node")
            .named("site")
            .arg(script)
            .arg(told.to_string())
            .env("NODE_EXTRA_CA_CERTS", keyrings.scratch.join("host.pem"))
            .start(keyrings.scratch.path())
    }
}

/// How a site's login ended.
pub fn over(site: &mut Running) -> Value {
    serde_json::from_str(&site.wait_for("\"over\":true")).expect("JSON")
}

impl Keyrings {
    /// The one request that waits for this terminal, once it does.
    pub fn waiting_request(&self, folder: &std::path::Path) -> String {
        let listed = self.terminal("pending", folder).args(["--wait", "30"]).run().success();
        said(&listed, "/requests/0/request")
    }

    /// A holder whose terminal is activated, and that folder.
    pub fn holder(&self, name: &str, called: &str) -> (HandedKeyring, PathBuf) {
        let keyring = self.hand_over(name, called);
        let folder = self.scratch.join(&format!("terminal-{name}"));
        self.activate(&keyring, &folder).success();
        (keyring, folder)
    }

    /// The holder says yes to what waits; what the terminal said.
    pub fn says_yes(&self, folder: &std::path::Path) -> Finished {
        let request = self.waiting_request(folder);
        let pin = self.scratch.join("pin");
        self.terminal("authenticate", folder).args(["--request", &request, "--pin-file"]).arg(pin).run()
    }
}
