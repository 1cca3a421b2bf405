//! The provider that logs people in, by its settings: its certificate, the host of keyrings asked with it, what applications sign by. Nobody's terminal rings.

use std::path::Path;

use sceau_element_api::{KeyringId, KeyringRequestId};
use serde_json::Value;

use super::peers::{self, Peer};
use super::{Finding, certificates};
use crate::serve::csc::CscTable;
use crate::serve::provider::ProviderTable;

const CHECK: &str = "provider";
const GUIDE: &str = "docs/log-in-with-a-keyring.md";

pub(super) async fn look(config: &Path, now_ms: u64) -> Vec<Finding> {
    let table = match ProviderTable::read(config) {
        Ok((table, _)) => table,
        Err(failure) => {
            return vec![Finding::trouble(CHECK, failure.to_string(), format!("mend that line: {GUIDE}"))];
        }
    };
    let mut findings = certificates::file(table.certificate(), now_ms);
    let (address, authorities) = table.host_address();
    if let Some(peer) = Peer::of("the host of keyrings", address, authorities.map(Path::to_owned)) {
        findings.extend(peers::look(&peer, now_ms).await);
    }
    findings.push(host(&table).await);
    if let Some(csc) = table.csc() {
        findings.extend(signing(&table, csc, now_ms));
    }
    findings
}

/// Whether the host knows its certificate: it is asked what became of a request that nobody left.
async fn host(table: &ProviderTable) -> Finding {
    let asked = async {
        table.acts().map_err(|failure| failure.to_string())?;
        let server = table.host().map_err(|failure| failure.to_string())?;
        let path = format!("/v1/keyrings/requests/{}?wait=0", KeyringRequestId::random());
        match server.get::<Value>(&path).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("request_unknown") => Ok(()),
            Err(error) => Err(format!("the host of keyrings: {error}")),
        }
    };
    match asked.await {
        Ok(()) => Finding::well(CHECK, "the host of keyrings knows its certificate"),
        Err(found) => {
            let advice = "the security officer registers this certificate; else mend key, element.json, address or authorities";
            Finding::trouble(CHECK, found, format!("{advice}: {GUIDE}"))
        }
    }
}

/// Holders' certificates, and the roots of time stamps.
fn signing(table: &ProviderTable, csc: &CscTable, now_ms: u64) -> Vec<Finding> {
    let guide = "docs/sign-through-csc.md";
    let trouble = |found: String| Finding::trouble(CHECK, found, format!("mend it: {guide}"));
    let authority = match table.to_sign() {
        Ok((_, authority)) => authority,
        Err(failure) => return vec![trouble(failure.to_string())],
    };
    let mut findings: Vec<Finding> =
        csc.stamp_anchors().into_iter().flat_map(|path| certificates::file(path, now_ms)).collect();
    let (folder, credentials) = match csc.credentials(authority) {
        Ok(credentials) => credentials,
        Err(failure) => {
            findings.push(trouble(failure.to_string()));
            return findings;
        }
    };
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(cause) => {
            findings.push(trouble(format!("{}: {cause}", folder.display())));
            return findings;
        }
    };
    let (mut well, mut ended) = (0_u64, 0_u64);
    for entry in listed.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let keyring = name.strip_suffix(".pem").and_then(|id| id.parse::<KeyringId>().ok());
        match keyring.map(|keyring| credentials.of(keyring)) {
            None => findings.push(trouble(format!("{name} is no KEYRING.pem"))),
            Some(Err(error)) => findings.push(trouble(error.to_string())),
            Some(Ok(None)) => findings.push(trouble(format!("{name} is not written as keyrings' ids are"))),
            Some(Ok(Some(one))) if now_ms > one.certificate.not_after() => ended += 1,
            Some(Ok(Some(_))) => well += 1,
        }
    }
    let found = format!("certificates of holders who sign: {well}, besides {ended} that have ended");
    findings.push(match well {
        0 => Finding::notice(
            CHECK,
            found,
            format!("nobody can sign: put KEYRING.pem into the folder: {guide}"),
        ),
        _ => Finding::well(CHECK, found),
    });
    findings
}
