//! `sceau keyring officer`: the officer in office names the next one.

use std::path::PathBuf;

use sceau_client::keyring::{now, publish};
use sceau_element_api::Base64Url;
use sceau_element_api::keyring::KeyringOfficer;
use sceau_trace::{Hash, sha256};
use serde_json::json;

use super::publish::row;
use super::{ActorOptions, PinnedElement, PlatformOptions, read_certificate, wait_for};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring officer --next next.pem --at https://sceau.example.org --element element.json \\
      --certificate officer.pem --key officer.key > officer.row
  sceau keyring officer --next third.pem --follows officer.row …

A renewed certificate, of the same key or another, or another person's. From the next moment on it alone is heard: make sure that its key is there. Policies and who \
acts stay as they are. Afterwards have `sceau keyring element` printed anew for registration authorities, and name the new file at the element's next start \
(--keyrings-officer); a start with the file of before says so, and goes by the log.";

/// Who is next.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OfficerOptions {
    /// The next officer's certificate, PEM
    #[arg(long, value_name = "FILE")]
    next: PathBuf,
    /// What this command printed the last time; none for the first
    #[arg(long, value_name = "FILE")]
    follows: Option<PathBuf>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &OfficerOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let in_office: Hash = sha256(read_certificate(&options.actor.certificate)?.der().as_ref());
    let next = read_certificate(&options.next)?;
    let previous = options.follows.as_deref().map(row).transpose()?;
    let document = KeyringOfficer {
        v: 1,
        origin: element.origin,
        certificate: Base64Url::from(next.der().as_ref()),
        follows: in_office,
        previous: previous.as_ref().map(|row| row.hash),
        time: now(),
    };
    if sha256(&document.certificate) == in_office {
        let words = "--next is the certificate of the officer in office";
        return Err(Failure::new(Exit::Usage, "document_malformed", words));
    }
    let server = options.platform.server_as(&options.actor)?;
    let row = wait_for(publish(&server, &signer, &document, previous.map(|row| row.version())))?;
    say::json(&json!(row))
}
