//! `connector.toml`: each organisation with its own credentials, its own certificate and its own folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_client::connector::{Grace, Handover, Target};
use sceau_client::{Credentials, Trust};
use sceau_element_api::OrganisationId;
use sceau_hsm::durable::check_secret;
use sceau_store::{Antivirus, ClamdAddress, Patience};
use sceau_trace::VerifierKey;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::serve::settings::text;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    antivirus: Option<AntivirusTable>,
    organisation: Vec<OrganisationTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AntivirusTable {
    /// `unix:/path` or `tcp:127.0.0.1:port`.
    clamd: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganisationTable {
    name: String,
    platform: String,
    platform_anchors: Option<PathBuf>,
    organisation: OrganisationId,
    client_id: String,
    client_secret_file: PathBuf,
    log_key: String,
    key_manager: String,
    key_manager_anchors: PathBuf,
    certificate: PathBuf,
    state: PathBuf,
    #[serde(default = "poll")]
    poll_seconds: u64,
    #[serde(default = "overdue")]
    overdue_seconds: u64,
    handover: HandoverTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandoverTable {
    folder: PathBuf,
    program: Option<Vec<String>>,
    #[serde(default = "patience")]
    program_seconds: u64,
    url: Option<url::Url>,
    token_file: Option<PathBuf>,
    anchors: Option<PathBuf>,
}

fn poll() -> u64 {
    20
}

fn overdue() -> u64 {
    600
}

fn patience() -> u64 {
    600
}

/// What the file says, with what it names read.
pub(crate) struct Config {
    /// The daemons of the antivirus; none, where there is none.
    pub(crate) clamd: Vec<ClamdAddress>,
    /// The organisations.
    pub(crate) targets: Vec<Target>,
    /// For each, where that was read.
    pub(crate) places: Vec<Place>,
}

/// The files that an organisation's certificates are in, and the folder where its dossiers go.
pub(crate) struct Place {
    pub(crate) platform_anchors: Option<PathBuf>,
    pub(crate) key_manager_anchors: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Config {
    /// What examines documents, where something does.
    pub(super) fn antivirus(&self) -> Option<Antivirus> {
        Antivirus::new(self.clamd.clone(), Patience::default()).ok()
    }
}

/// Reads the file; relative paths in it are beside it.
pub(crate) fn read(path: &Path) -> Result<Config, Failure> {
    let wrong =
        |words: String| Failure::new(Exit::Usage, "connector", format!("{}: {words}", path.display()));
    // It says which program is run with documents, and under which log key they are proven.
    let file: File = toml::from_str(&text(path)?).map_err(|error| wrong(error.to_string()))?;
    let beside = Beside(path.parent().unwrap_or(Path::new("")));
    let clamd =
        file.antivirus.map(|table| pool(&table.clamd).map_err(wrong)).transpose()?.unwrap_or_default();
    let places = file.organisation.iter().map(|table| table.place(beside)).collect();
    let targets = file.organisation.into_iter().map(|table| table.target(beside));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    apart(&targets).map_err(wrong)?;
    Ok(Config { clamd, targets, places })
}

fn pool(addresses: &[String]) -> Result<Vec<ClamdAddress>, String> {
    let pool = addresses.iter().map(|address| address.parse().map_err(|error| format!("{address}: {error}")));
    let pool = pool.collect::<Result<Vec<_>, String>>()?;
    Antivirus::new(pool.clone(), Patience::default()).map(|_| pool).map_err(|error| error.to_string())
}

/// Organisations share nothing: not a journal, not a folder.
fn apart(targets: &[Target]) -> Result<(), String> {
    if targets.is_empty() {
        return Err("name at least one [[organisation]]".to_owned());
    }
    for (at, one) in targets.iter().enumerate() {
        for other in targets.iter().skip(at + 1) {
            if one.name == other.name || one.state == other.state || folder(one) == folder(other) {
                let words = "each organisation has its own name, state and handover folder";
                return Err(format!("{} and {}: {words}", one.name, other.name));
            }
        }
    }
    Ok(())
}

fn folder(target: &Target) -> &Path {
    match &target.handover {
        Handover::Folder(folder) | Handover::Program { folder, .. } | Handover::Post { folder, .. } => folder,
    }
}

#[derive(Clone, Copy)]
struct Beside<'a>(&'a Path);

impl Beside<'_> {
    fn read(self, path: &Path) -> Result<Vec<u8>, Failure> {
        let path = self.0.join(path);
        std::fs::read(&path).map_err(|cause| Failure::file("read", &path, &cause))
    }

    /// A file that only this user may read.
    fn secret(self, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let path = self.0.join(path);
        check_secret(&path)?;
        self.read(&path).map(Zeroizing::new)
    }

    fn secret_text(self, path: &Path) -> Result<Zeroizing<String>, Failure> {
        let bytes = self.secret(path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::new(Exit::Usage, "connector", format!("{} is not text", path.display())))?;
        Ok(Zeroizing::new(text.trim().to_owned()))
    }
}

impl OrganisationTable {
    fn place(&self, beside: Beside<'_>) -> Place {
        let path = |path: &Path| beside.0.join(path);
        Place {
            platform_anchors: self.platform_anchors.as_deref().map(path),
            key_manager_anchors: path(&self.key_manager_anchors),
            certificate: path(&self.certificate),
            folder: path(&self.handover.folder),
        }
    }

    fn target(self, beside: Beside<'_>) -> Result<Target, Failure> {
        let log_key = VerifierKey::parse(&self.log_key).map_err(|error| {
            Failure::new(Exit::Usage, "log_key", format!("log_key of {}: {error}", self.name))
        })?;
        let platform_anchors = self.platform_anchors.as_deref().map(|path| beside.read(path)).transpose()?;
        let client_secret = beside.secret_text(&self.client_secret_file)?;
        let identity = beside.secret(&self.certificate)?;
        Ok(Target {
            platform: self.platform,
            platform_trust: Trust { anchors_pem: platform_anchors, identity_pem: None },
            organisation: self.organisation,
            credentials: Credentials { client_id: self.client_id, client_secret },
            log_key,
            key_manager: self.key_manager,
            key_manager_trust: Trust {
                anchors_pem: Some(beside.read(&self.key_manager_anchors)?),
                identity_pem: Some(identity.to_vec()),
            },
            state: beside.0.join(&self.state),
            handover: self.handover.handover(&self.name, beside)?,
            poll: Duration::from_secs(self.poll_seconds.clamp(1, 30)),
            grace: Grace::default(),
            overdue: Duration::from_secs(self.overdue_seconds.max(1)),
            name: self.name,
        })
    }
}

impl HandoverTable {
    fn handover(self, organisation: &str, beside: Beside<'_>) -> Result<Handover, Failure> {
        let wrong = |words: &str| {
            Failure::new(Exit::Usage, "connector", format!("the handover of {organisation}: {words}"))
        };
        let folder = beside.0.join(&self.folder);
        match (self.program, self.url) {
            (Some(_), Some(_)) => Err(wrong("a program or a url, not both")),
            (Some(command), None) if command.is_empty() => Err(wrong("program names none")),
            (Some(command), None) => {
                Ok(Handover::Program { folder, command, patience: Duration::from_secs(self.program_seconds) })
            }
            (None, Some(url)) if !is_private(&url) => Err(wrong("the url is https, or on this machine")),
            (None, Some(url)) => {
                let token = self.token_file.as_deref().map(|path| beside.secret_text(path)).transpose()?;
                let anchors_pem = self.anchors.as_deref().map(|path| beside.read(path)).transpose()?;
                Ok(Handover::Post { folder, url, token, anchors_pem })
            }
            (None, None) => Ok(Handover::Folder(folder)),
        }
    }
}

/// Documents in clear travel under TLS, or do not leave this machine.
fn is_private(url: &url::Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_others_could_have_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("connector.toml");
        for (mode, code) in [(0o600, "connector"), (0o640, "connector"), (0o660, OPEN), (0o602, OPEN)] {
            std::fs::write(&path, "organisation = []").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path).map(|_| ()).unwrap_err();
            assert_eq!(refused.code, code, "{mode:o}: {refused}");
        }
    }

    const OPEN: &str = "settings_open_to_others";
}
