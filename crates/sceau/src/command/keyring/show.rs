//! `sceau keyring show`: what stands now of what the security officer signed.

use std::path::PathBuf;

use sceau_client::keyring::current;
use sceau_element_api::keyring::{KeyringAccess, KeyringOfficer, KeyringPolicy};
use sceau_element_api::{OrganisationId, PolicyId};
use serde_json::json;

use super::{Opened, PinnedElement, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring show --policy ID --at https://sceau.example.org --element element.json \\
      --document policy.json > policy.row
  sceau keyring policy … --follows policy.row policy.json

What is printed is what --follows takes. It is verified against the element's log before it is believed; that nothing later is there is the host's word, and the element \
refuses what is signed over another version than the last.";

/// Of what.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowOptions {
    #[command(flatten)]
    what: What,
    /// Where the document goes, as it was signed; change it, and publish the next version
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    platform: PlatformOptions,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The policy of this id
    #[arg(long, value_name = "ID")]
    policy: Option<PolicyId>,
    /// Who may act on keyrings of this organisation
    #[arg(long, value_name = "ORGANISATION")]
    access: Option<OrganisationId>,
    /// The officer in office, where the first one named another
    #[arg(long)]
    officer: bool,
}

pub(super) fn run(options: &ShowOptions) -> Result<(), Failure> {
    let (element, server) = (options.element.read()?, options.platform.server()?);
    let file = options.document.as_deref().map(|path| Opened::at(path, Access::Shared)).transpose()?;
    let (row, payload) = match (options.what.policy, options.what.access) {
        (Some(id), _) => {
            let (row, _, payload) = wait_for(current::<KeyringPolicy>(&server, &element, id))?;
            (row, payload)
        }
        (_, Some(id)) => {
            let (row, _, payload) = wait_for(current::<KeyringAccess>(&server, &element, id))?;
            (row, payload)
        }
        _ => {
            let id = KeyringOfficer::only_row();
            let (row, _, payload) = wait_for(current::<KeyringOfficer>(&server, &element, id))?;
            (row, payload)
        }
    };
    if let Some(file) = file {
        file.write(&payload)?;
    }
    say::json(&json!(row))
}
