//! Whether the element, the platform and the key manager answer, and how they are by their own word.

use std::collections::BTreeMap;
use std::path::Path;

use sceau_client::{ClientError, Server, Trust};
use sceau_element_api::Client;

use super::peers::{self, Peer};
use super::{Finding, Installation, keys};
use crate::command::say;

pub(super) async fn look(installation: &Installation, now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(socket) = &installation.element {
        findings.push(element(socket).await);
    }
    if let Some(address) = &installation.platform {
        if let Some(peer) = Peer::of("the platform", address, None) {
            findings.extend(peers::look(&peer, now).await);
        }
        match reach(address, None) {
            Err(error) => findings.push(away("platform", address, &error)),
            Ok(server) => {
                findings.push(server_check("platform", address, &server).await);
                findings.extend(keys::look(&server, now).await);
            }
        }
    }
    if let Some(address) = &installation.key_manager {
        if let Some(peer) = Peer::of("the key manager", address, installation.anchors.clone()) {
            findings.extend(peers::look(&peer, now).await);
        }
        match reach(address, installation.anchors.as_deref()) {
            Err(error) => findings.push(away("key_manager", address, &error)),
            Ok(server) => findings.push(server_check("key_manager", address, &server).await),
        }
    }
    findings
}

async fn element(socket: &Path) -> Finding {
    let name = socket.display();
    match Client::new(socket).hello().await {
        Ok(hello) => {
            let found = format!(
                "answers at {name}: protocol {}, {} in the log {}",
                hello.protocol,
                say::counted(hello.size, "record"),
                hello.origin
            );
            Finding::well("element", found)
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

#[derive(serde::Deserialize)]
struct Check {
    checks: BTreeMap<String, String>,
}

async fn server_check(check: &'static str, address: &str, server: &Server) -> Finding {
    match server.get::<Check>("/check").await {
        Ok(answer) => {
            let warned = answer.checks.iter().filter(|(_, how)| *how == "warn");
            let warned: Vec<&str> = warned.map(|(part, _)| part.as_str()).collect();
            if !warned.is_empty() {
                let found = format!("answers at {address}; to be looked at: {}", warned.join(", "));
                return Finding::notice(
                    check,
                    found,
                    warned.iter().map(|part| advice(part)).collect::<Vec<_>>().join("; "),
                );
            }
            let parts: Vec<&str> = answer.checks.keys().map(String::as_str).collect();
            Finding::well(check, format!("well at {address} ({})", parts.join(", ")))
        }
        // It answers, with what is not well.
        Err(ClientError::Refused { status: 503, .. }) => {
            let advice = format!("see {address}/check for what it misses, and its log");
            Finding::trouble(check, format!("answers at {address} and is not well"), advice)
        }
        Err(error) => away(check, address, &error),
    }
}

/// What to do about a part that warns of itself.
fn advice(part: &str) -> &'static str {
    match part {
        "deliveries" => {
            "letters, webhooks or messages of the bus are late or were given up: its administrator sees which and why under Deliveries, \
             an operator with `sceau bus dead-letters`"
        }
        "calendar" => "something is due: the administrator of the key manager sees what on the page Keys",
        _ => "see /check, and its log",
    }
}
