//! What a key manager's policy names: certificates, authorities, and the servers on the organisation's side. Each is asked; no key is made or
//! published, no letter sent.

use std::path::Path;

use sceau_hsm::{VaultKeystore, VaultSettings};
use sceau_keymanager::{MobSettings, Settings};

use super::peers::{self, Peer};
use super::{Finding, State, antivirus, certificates, configured};
use crate::serve::mail::MailSettings;
use crate::serve::policy;

const VAULT: &str = "the Vault";

pub(super) async fn look(file: &Path, now_ms: u64) -> Vec<Finding> {
    let read = policy::read(Some(file)).and_then(|settings| Ok((settings, policy::mail(file)?)));
    let (settings, mail) = match read {
        Ok(read) => read,
        Err(failure) => {
            let advice = "mend that line: docs/operate.md, The policy of a key manager";
            return vec![Finding::trouble("policy", failure.to_string(), advice)];
        }
    };
    let mut findings = vec![Finding::well("policy", format!("{} is usable", file.display()))];
    findings.extend(files(&settings, now_ms));
    for address in settings.scanner.iter().flat_map(|scanner| &scanner.antivirus) {
        findings.extend(antivirus::look(address, now_ms).await);
    }
    if let Some(settings) = &settings.vault {
        findings.extend(vault(settings, now_ms).await);
    }
    if let Some(settings) = mail {
        findings.extend(letters(&settings, now_ms).await);
    }
    if let Some(settings) = &settings.mob {
        findings.extend(mob(settings, now_ms).await);
    }
    if settings.transit.as_ref().is_some_and(|transit| transit.export) {
        let advice = "what that gives up: docs/deploy/vault-clients.md; `export = false` where a connector can do the work";
        findings.push(Finding::notice(
            "transit",
            "keys that were made exportable leave the key manager",
            advice,
        ));
    }
    findings
}

/// Certificates and revocation lists.
fn files(settings: &Settings, now_ms: u64) -> Vec<Finding> {
    let files =
        settings.server_identity.iter().chain(&settings.anchors).chain(&settings.client_intermediates);
    let lists = settings.client_crls.iter().map(|file| certificates::list(file, now_ms));
    files.flat_map(|file| certificates::file(file, now_ms)).chain(lists).collect()
}

/// Whether what was seen of a server lets us believe it; a clock that is wrong does not prevent that.
fn believed(seen: &[Finding]) -> bool {
    seen.iter().all(|finding| finding.state != State::Trouble || finding.check == "clock")
}

async fn vault(settings: &VaultSettings, now_ms: u64) -> Vec<Finding> {
    let authorities = Some(settings.authorities.clone());
    let mut findings = certificates::file(&settings.authorities, now_ms);
    let Some(peer) = Peer::of(VAULT, &settings.address, authorities) else { return findings };
    findings.extend(peers::look(&peer, now_ms).await);
    // Who cannot be believed is told no secret.
    if !believed(&findings) {
        return findings;
    }
    let (place, mount) = (&settings.address, &settings.mount);
    findings.push(match VaultKeystore::probe(settings) {
        Ok(true) => {
            Finding::well("vault", format!("{place} lets us in, and its {mount} seals and unseals for the keystore"))
        }
        Ok(false) => {
            let advice = "`sceau keymanager init` makes it; where one was made, mount or prefix are not those it was made with";
            Finding::notice("vault", format!("{place} lets us in, and {mount} has no key of this keystore yet"), advice)
        }
        Err(error) => Finding::trouble("vault", error.to_string(), vault_advice(error.code())),
    });
    findings
}

/// What to do, by the code of the fault.
fn vault_advice(code: &str) -> &'static str {
    match code {
        "hsm_vault_sealed" => "unseal it; meanwhile no document opens, and nothing is lost",
        "hsm_vault_unreachable" => {
            "start it, or look at what stands between; meanwhile no document opens, and nothing is lost"
        }
        "hsm_vault_login" => {
            "renew the certificate or the secret id at the Vault (role, role_id, secret_id_file): docs/deploy/vault-keys.md"
        }
        "hsm_vault_denied" => {
            "give its role the policy of docs/deploy/vault-keys.md, with this mount and prefix"
        }
        "hsm_vault_foreign_key" => {
            "name another prefix; a key that may leave, or that was imported, keeps no document closed"
        }
        _ => "look at address, mount, authorities and login: docs/deploy/vault-keys.md",
    }
}

/// The organisation's own mail server.
async fn letters(settings: &MailSettings, now_ms: u64) -> Vec<Finding> {
    let Some(peer) = configured::mail_server(settings) else { return Vec::new() };
    let mut findings = peers::look(&peer, now_ms).await;
    findings.extend(peer.authorities.iter().flat_map(|file| certificates::file(file, now_ms)));
    if believed(&findings) {
        findings.extend(configured::mail(settings).await);
    }
    findings
}

/// The Mon Compte Mobilité that keys are published to. Its client is not logged in: that is done when a key is published, and the page Keys says
/// whether it was taken.
async fn mob(settings: &MobSettings, now_ms: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, address) in [("MOB's API", &settings.api), ("MOB's identity provider", &settings.token_url)] {
        if let Some(peer) = Peer::of(what, address, settings.anchors.clone()) {
            findings.extend(peers::look(&peer, now_ms).await);
        }
    }
    findings.extend(settings.anchors.iter().flat_map(|file| certificates::file(file, now_ms)));
    if let Err(error) = sceau_hsm::durable::check_secret(&settings.client_secret_file) {
        let advice = "mob.client_secret_file is of the key manager's user, mode 0600";
        findings.push(Finding::trouble("policy", error.to_string(), advice));
    }
    findings
}
