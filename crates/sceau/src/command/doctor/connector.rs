//! A connector by its settings: the servers of each organisation, asked with its own credentials. No dossier is taken.

use std::path::Path;

use sceau_client::connector::Target;
use sceau_client::{ClientError, Server};
use serde_json::Value;

use super::peers::{self, Peer};
use super::{Finding, antivirus, certificates, local};
use crate::connect::{self, Place};

const CHECK: &str = "connector";
/// The scope of a connector's client.
const FIELDS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "dossiers.receive")];

pub(super) async fn look(config: &Path, now_ms: u64) -> Vec<Finding> {
    let config = match connect::read(config) {
        Ok(config) => config,
        Err(failure) => {
            let advice =
                "mend that line, or give that file to the connector's user, mode 0600: docs/connector.md";
            return vec![Finding::trouble(CHECK, failure.to_string(), advice)];
        }
    };
    let mut findings = Vec::new();
    for address in &config.clamd {
        findings.extend(antivirus::look(address, now_ms).await);
    }
    for (target, place) in config.targets.iter().zip(&config.places) {
        findings.extend(of(target, place, now_ms).await);
    }
    findings
}

async fn of(target: &Target, place: &Place, now_ms: u64) -> Vec<Finding> {
    let mut findings = certificates::file(&place.certificate, now_ms);
    for (what, address, anchors) in [
        ("the platform", &target.platform, place.platform_anchors.clone()),
        ("the key manager", &target.key_manager, Some(place.key_manager_anchors.clone())),
    ] {
        if let Some(peer) = Peer::of(what, address, anchors) {
            findings.extend(peers::look(&peer, now_ms).await);
        }
    }
    findings.push(platform(target).await);
    findings.push(key_manager(target).await);
    findings
        .extend(Some(&place.folder).filter(|folder| folder.is_dir()).and_then(|folder| local::space(folder)));
    findings
}

/// Whether the platform takes its client.
async fn platform(target: &Target) -> Finding {
    let (name, address) = (&target.name, &target.platform);
    let credentials = (target.credentials.client_id.as_str(), target.credentials.client_secret.as_str());
    let asked = async {
        let server = Server::new(address, &target.platform_trust)?;
        server.post_form::<Value>("/v1/oauth/token", credentials, &FIELDS).await
    };
    match asked.await {
        Ok(_) => Finding::well(CHECK, format!("{name}: the platform knows its client")),
        Err(error) if error.code() == Some("invalid_client") => {
            let found = format!("{name}: the platform knows no such client id or secret");
            let advice = "the organisation's administrator makes a client on the page Connectors; client_id and client_secret_file are what it showed";
            Finding::trouble(CHECK, found, advice)
        }
        Err(error) => refused(name, "the platform", &error),
    }
}

/// Whether the key manager knows its certificate, and a grant of it is in force.
async fn key_manager(target: &Target) -> Finding {
    let (name, address) = (&target.name, &target.key_manager);
    let asked = async {
        let server = Server::new(address, &target.key_manager_trust)?;
        server.get::<Value>("/v1/connector/manifests").await
    };
    match asked.await {
        Ok(_) => Finding::well(CHECK, format!("{name}: the key manager granted its certificate")),
        Err(error) => refused(name, "the key manager", &error),
    }
}

fn refused(name: &str, whom: &str, error: &ClientError) -> Finding {
    let advice = match error.code() {
        Some("connector_not_granted" | "grant_not_in_force") => {
            "an administrator of the key manager grants this certificate on the page Connectors, by its fingerprint"
        }
        Some("platform_not_connected") => {
            "connect the key manager to its platform: `sceau keymanager connect`"
        }
        Some(code) if code.starts_with("certificate") => {
            "have the key manager issue another: `sceau keymanager certificate --role connector`, then grant it"
        }
        _ => "mend address, authorities or the firewall between: docs/connector.md",
    };
    Finding::trouble(CHECK, format!("{name}: {whom}: {error}"), advice)
}
