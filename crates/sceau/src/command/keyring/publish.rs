//! `sceau keyring policy` and `sceau keyring access`: documents that the security officer signs.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_client::keyring::publish;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::Document;
use sceau_element_api::keyring::{KeyringAccess, KeyringPolicy};
use sceau_element_api::wire::AttestedRow;
use serde_json::{Map, Value, json};

use super::{ActorOptions, LONGEST, PlatformOptions, read_certificate, wait_for};
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};
use crate::say;

const POLICY_EXAMPLES: &str = "\
Examples:
  sceau keyring policy --at https://sceau.example.org --certificate officer.pem --key officer.key \\
      policy.json > policy.row
  sceau keyring policy … --follows policy.row policy.json > policy-2.row

The file is JSON, as docs/keyrings/security-officer.md shows it. `anchor_files` of an authority outside names certificates (PEM), from the file's folder. Time, and the hash of the version before, are written by this command. What it prints says which version \
stands now: keep it, for --follows.";

const ACCESS_EXAMPLES: &str = "\
Examples:
  sceau keyring access --at https://sceau.example.org --certificate officer.pem --key officer.key \\
      access.json > access.row

The file is JSON, as docs/keyrings/security-officer.md shows it. `certificate_file` names an actor's certificate (PEM), from the file's folder.";

/// Which policy.
#[derive(Debug, clap::Args)]
#[command(after_help = POLICY_EXAMPLES)]
pub(crate) struct PolicyOptions {
    #[command(flatten)]
    document: DocumentOptions,
}

/// Which document.
#[derive(Debug, clap::Args)]
#[command(after_help = ACCESS_EXAMPLES)]
pub(crate) struct AccessOptions {
    #[command(flatten)]
    document: DocumentOptions,
}

#[derive(Debug, clap::Args)]
struct DocumentOptions {
    /// The document, JSON
    #[arg(value_name = "FILE")]
    document: PathBuf,
    /// What this command printed of the version before; none for the first
    #[arg(long, value_name = "FILE")]
    follows: Option<PathBuf>,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn policy(options: &PolicyOptions) -> Result<(), Failure> {
    options.document.publish::<KeyringPolicy>(with_anchors)
}

pub(super) fn access(options: &AccessOptions) -> Result<(), Failure> {
    options.document.publish::<KeyringAccess>(with_certificates)
}

impl DocumentOptions {
    fn publish<D: Document>(
        &self,
        complete: impl FnOnce(&mut Map<String, Value>, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let malformed = |words: String| {
            Failure::new(Exit::Usage, "document_malformed", format!("{}: {words}", self.document.display()))
        };
        let text = read_small(&self.document, LONGEST, "a document")?;
        let mut written: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        complete(&mut written, self.document.parent().unwrap_or(Path::new("")))?;
        let previous = self.follows.as_deref().map(row).transpose()?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        written.insert("v".to_owned(), json!(1));
        written.insert("time".to_owned(), json!(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
        if let Some(row) = &previous {
            written.insert("previous".to_owned(), json!(row.hash));
        }
        let document: D =
            serde_json::from_value(Value::Object(written)).map_err(|error| malformed(error.to_string()))?;
        let signer = self.actor.signer()?;
        let server = self.platform.server_as(&self.actor)?;
        let row = wait_for(publish(&server, &signer, &document, previous.map(|row| row.version())))?;
        say::json(&json!(row))
    }
}

pub(super) fn row(path: &Path) -> Result<AttestedRow, Failure> {
    serde_json::from_slice(&read_small(path, LONGEST, "a version")?).map_err(|_| {
        let words = format!("{}: --follows takes what this command printed", path.display());
        Failure::new(Exit::Usage, "row_malformed", words)
    })
}

/// Puts the anchors of an authority outside in the place of the names of their files.
fn with_anchors(policy: &mut Map<String, Value>, folder: &Path) -> Result<(), Failure> {
    let est = policy.get_mut("authority").and_then(|authority| authority.get_mut("est"));
    let Some(est) = est.and_then(Value::as_object_mut) else { return Ok(()) };
    let Some(Value::Array(files)) = est.remove("anchor_files") else { return Ok(()) };
    let mut anchors = Vec::new();
    for file in files.iter().filter_map(Value::as_str) {
        let certificate = read_certificate(&folder.join(file))?;
        anchors.push(json!(Base64Url::from(certificate.der().as_ref())));
    }
    est.insert("anchors".to_owned(), json!(anchors));
    Ok(())
}

/// Puts the certificates in the place of the names of their files.
fn with_certificates(access: &mut Map<String, Value>, folder: &Path) -> Result<(), Failure> {
    let actors = access.get_mut("actors").and_then(Value::as_array_mut);
    for actor in actors.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(Value::String(file)) = actor.remove("certificate_file") {
            let certificate = read_certificate(&folder.join(file))?;
            actor.insert("certificate".to_owned(), json!(Base64Url::from(certificate.der().as_ref())));
        }
    }
    Ok(())
}
