//! `sceau keyring dissociate`.

use sceau_client::keyring::{Actor, dissociate};
use sceau_element_api::{KeyringId, TerminalId};
use serde_json::json;

use super::{ActorOptions, PinnedElement, PlatformOptions, wait_for};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring dissociate KEYRING --terminal TERMINAL --at https://sceau.example.org \\
      --element element.json --certificate support.pem --key support.key

Where the policy asks for support (\"dissociation\": \"holder_and_support\"): the holder asks first, on a terminal and with the PIN; you have seven days to make sure that it is the holder, and agree. \
`sceau keyring state` shows what was asked.";

/// Which terminal of which keyring, and by whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DissociateOptions {
    /// The keyring
    #[arg(value_name = "KEYRING")]
    keyring: KeyringId,
    /// The terminal that its holder asked to have taken off
    #[arg(long, value_name = "TERMINAL")]
    terminal: TerminalId,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &DissociateOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let server = options.platform.server()?;
    let actor = Actor { carrier: &server, element: &element, key: &signer };
    let index = wait_for(dissociate(&actor, options.keyring, options.terminal))?;
    say::json(
        &json!({"keyring": options.keyring, "terminal": options.terminal, "became": "dissociated", "index": index}),
    )
}
