//! Whether the element, the platform, its intake and the key manager answer, and how they are by their own word.

use std::path::Path;

use sceau_client::{ClientError, Server, Trust};
use sceau_element_api::Client;

use super::peers::{self, Peer};
use super::{Finding, Installation, keys};
use crate::say;

pub(super) async fn look(installation: &Installation, now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(socket) = &installation.element {
        findings.push(element(socket).await);
    }
    if let Some(address) = &installation.platform {
        let anchors = installation.anchors.as_deref();
        findings.extend(role(PLATFORM, address, anchors, now).await);
        if let Ok(server) = reach(address, anchors) {
            findings.extend(keys::look(&server, now).await);
            if let Some(intake) = intake_of(&server).await {
                findings.extend(role(INTAKE, &intake, anchors, now).await);
            }
        }
    }
    if let Some(address) = &installation.key_manager {
        findings.extend(role(KEY_MANAGER, address, installation.anchors.as_deref(), now).await);
    }
    findings
}

/// A role that answers over HTTP: the name of its check, and what it is in words.
pub(super) type Role = (&'static str, &'static str);
const PLATFORM: Role = ("platform", "the platform");
const INTAKE: Role = ("intake", "the intake");
const KEY_MANAGER: Role = ("key_manager", "the key manager");

/// What it shows at the other end of TLS, and how it is by its own word.
pub(super) async fn role(
    (check, what): Role,
    address: &str,
    anchors: Option<&Path>,
    now: u64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(peer) = Peer::of(what, address, anchors.map(Path::to_owned)) {
        findings.extend(peers::look(&peer, now).await);
    }
    findings.push(match reach(address, anchors) {
        Err(error) => away(check, address, &error),
        Ok(server) => well(check, address, &server).await,
    });
    findings
}

/// The intake that the platform sends its pages to.
async fn intake_of(platform: &Server) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Config {
        intake: Option<Intake>,
    }
    #[derive(serde::Deserialize)]
    struct Intake {
        url: String,
    }
    // Why it does not answer is said already.
    platform.get::<Config>("/v1/config").await.ok()?.intake.map(|intake| intake.url)
}

async fn element(socket: &Path) -> Finding {
    let name = socket.display();
    match Client::new(socket).hello().await {
        Ok(hello) => {
            let version = if hello.version.is_empty() { "an earlier version" } else { &hello.version };
            let found = format!(
                "{version} answers at {name}: protocol {}, {} in the log {}",
                hello.protocol,
                say::counted(hello.size, "record"),
                hello.origin
            );
            if hello.version == env!("CARGO_PKG_VERSION") {
                return Finding::well("element", found);
            }
            let advice = format!(
                "this program is {}: start the element again (systemctl restart sceau-element), or upgrade both together",
                env!("CARGO_PKG_VERSION")
            );
            Finding::notice("element", found, advice)
        }
        Err(error) => {
            let advice = "its log says why it ended; run this as a user whom it hears";
            Finding::trouble("element", error.to_string(), advice)
        }
    }
}

fn reach(address: &str, anchors: Option<&Path>) -> Result<Server, ClientError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|cause| ClientError::File { path: path.display().to_string(), cause })
    };
    let anchors_pem = anchors.map(read).transpose()?;
    Server::new(address, &Trust { anchors_pem, identity_pem: None })
}

fn away(check: &'static str, address: &str, error: &ClientError) -> Finding {
    let advice = "start it, or mend address, certificate (--anchors gives its authority) and firewall between; \
                  its log says why it ended";
    let found = match error {
        ClientError::Transport(_) => format!("does not answer at {address}"),
        error => format!("{address}: {error}"),
    };
    Finding::trouble(check, found, advice)
}

/// How it is by its own word (`GET /check`).
async fn well(check: &'static str, address: &str, server: &Server) -> Finding {
    let checks = match server.check().await {
        Ok(checks) => checks,
        Err(error) => return away(check, address, &error),
    };
    let of = |word: &str| -> Vec<&str> {
        checks.iter().filter(|(_, how)| *how == word).map(|(part, _)| part.as_str()).collect()
    };
    let advised = |parts: &[&str]| {
        let mut advised: Vec<&str> = parts.iter().map(|part| advice(part)).collect();
        advised.dedup();
        advised.join("; ")
    };
    let (failed, warned) = (of("fail"), of("warn"));
    if !failed.is_empty() {
        let found = format!("answers at {address} and is not well: {}", failed.join(", "));
        return Finding::trouble(check, found, advised(&failed));
    }
    if !warned.is_empty() {
        let found = format!("answers at {address}; to be looked at: {}", warned.join(", "));
        return Finding::notice(check, found, advised(&warned));
    }
    let parts: Vec<&str> = checks.keys().map(String::as_str).collect();
    Finding::well(check, format!("well at {address} ({})", parts.join(", ")))
}

/// What to do about a part that fails, or warns of itself.
fn advice(part: &str) -> &'static str {
    match part {
        "deliveries" => {
            "letters, webhooks or messages of the bus are late or were given up: its administrator sees which and why under Deliveries, \
             an operator with `sceau bus dead-letters`"
        }
        "calendar" => "something is due: the administrator of the key manager sees what on the page Keys",
        "element" => {
            "the element does not hear it: whether that runs, whether this role's user is among those it allows (--allow-user), its log"
        }
        "records" | "database" => "its database does not answer: `sceau doctor --config FILE` says why",
        "antivirus" | "scanner" => {
            "no ClamAV daemon answers it, and documents wait: start clamav-daemon, and let this role's user open its socket; --antivirus \
             ADDRESS, run as that user, asks each"
        }
        "connected" => {
            "the organisation is not connected to its platform: `sceau keymanager connect` (docs/onboard-an-organisation.md)"
        }
        "keys" => {
            "no key of it is acknowledged and valid now: whether it reaches the platform is in its log, and on the page Keys"
        }
        "log" => {
            "its folder was not compared with the platform's log since its start, or is an old copy: no key leaves; its log and the page Keys say which"
        }
        "mob" => "the key for Mon Compte Mobilité is not made, or is past its end: its log says why",
        "scanner_confined" => {
            "the process that examines documents has no filter of system calls: run it on a kernel with seccomp filters"
        }
        _ => "see /check, and its log",
    }
}
