//! The file that says which application calls.

use std::path::{Path, PathBuf};

use sceau_client::protect::Application;
use sceau_client::{Server, Trust};
use sceau_crypto::SigningKey;
use sceau_element_api::ApplicationId;
use sceau_hsm::durable::{check_secret, read_secret};
use sceau_trace::VerifierKey;
use serde::Deserialize;

use super::super::input::read_small;
use crate::failure::{Exit, Failure};

/// Longest file that says it.
const LONGEST: u64 = 64 * 1024;
/// Longest key file.
const LONGEST_KEY: usize = 8 * 1024;

/// An application, in TOML. Paths are read from the file's folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Web address of the keyfront.
    keyfront: String,
    /// The log's name, as the keyfront's ready line says it.
    audience: String,
    /// Its id, as it was registered.
    application: ApplicationId,
    /// Its private key, Ed25519 in PEM, registered by its fingerprint.
    key: PathBuf,
    /// Certificates (PEM) to trust for the keyfront, in the place of the system's.
    anchors: Option<PathBuf>,
    /// The log's key (vkey): answers that the log does not prove are refused.
    log_key: Option<String>,
}

/// Reads an application and its key.
pub(super) fn read(path: &Path) -> Result<Application, Failure> {
    let wrong =
        |words: String| Failure::new(Exit::Usage, "application", format!("{}: {words}", path.display()));
    let text = read_small(path, LONGEST, "what names an application")?;
    let text = String::from_utf8(text).map_err(|_| wrong("this is no text".to_owned()))?;
    let written: Written = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let beside = |name: &Path| path.parent().unwrap_or(Path::new("")).join(name);
    let anchors =
        written.anchors.as_deref().map(|anchors| read_small(&beside(anchors), LONGEST, "certificates"));
    let trust = Trust { anchors_pem: anchors.transpose()?, identity_pem: None };
    let server = Server::new(&written.keyfront, &trust)?;
    let key = read_key(&beside(&written.key))?;
    let application = Application::new(server, written.audience, written.application, key);
    let Some(log_key) = &written.log_key else { return Ok(application) };
    let log_key = VerifierKey::parse(log_key).map_err(|error| wrong(format!("log_key: {error}")))?;
    Ok(application.with_log_key(log_key))
}

fn read_key(path: &Path) -> Result<SigningKey, Failure> {
    let wrong =
        |words: &dyn std::fmt::Display| Failure::new(Exit::Usage, "application_key", words.to_string());
    check_secret(path).map_err(|error| wrong(&error))?;
    let pem = read_secret(path, LONGEST_KEY).map_err(|error| wrong(&error))?;
    let key = std::str::from_utf8(&pem).ok().and_then(|pem| SigningKey::from_pem(pem).ok());
    let words = format!(
        "{} is no private key of Ed25519 in PEM: make one with openssl genpkey -algorithm ED25519",
        path.display()
    );
    key.ok_or_else(|| wrong(&words))
}
