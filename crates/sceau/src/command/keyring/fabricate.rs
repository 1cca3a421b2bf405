//! `sceau keyring fabricate`: a keyring of nobody yet, and what to hand over.

use std::path::PathBuf;

use sceau_client::keyring::fabricate;
use sceau_element_api::PolicyId;
use serde_json::json;

use super::{ActorOptions, Opened, PinnedElement, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring fabricate --at https://sceau.example.org --element element.json \\
      --certificate ra.pem --key ra.key \\
      --policy ID --package k.package --invitation k.invitation --code k.code

The invitation goes to the holder's terminal, the code to the holder by another channel (a letter, by hand): who has both activates. Where the policy asks for a second factor \
(--second FILE), it goes by a third way, an SMS say. The package has the code too, \
and stays with you until `sceau keyring deliver`.";

/// Under which policy, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FabricateOptions {
    /// The policy
    #[arg(long, value_name = "ID")]
    policy: PolicyId,
    /// Where the package goes, which only you may read
    #[arg(long, value_name = "FILE")]
    package: PathBuf,
    /// Where the invitation goes, for the holder's terminal
    #[arg(long, value_name = "FILE")]
    invitation: PathBuf,
    /// Where the activation code goes, for the holder alone
    #[arg(long, value_name = "FILE")]
    code: PathBuf,
    /// Where the second factor goes, for the holder alone and by another channel; exactly where the policy asks for one
    #[arg(long, value_name = "FILE")]
    second: Option<PathBuf>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &FabricateOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let server = options.platform.server()?;
    let package_file = Opened::at(&options.package, Access::Private)?;
    let invitation_file = Opened::at(&options.invitation, Access::Shared)?;
    let code_file = Opened::at(&options.code, Access::Private)?;
    let second_file = options.second.as_deref().map(|path| Opened::at(path, Access::Private)).transpose()?;
    let (package, jws) = wait_for(fabricate(&server, &element, &signer, options.policy))?;
    package_file.write(jws.expose().as_bytes())?;
    invitation_file.write(json!(package.invitation()).to_string().as_bytes())?;
    code_file.write(package.code.shown().as_bytes())?;
    match (second_file, &package.second) {
        (Some(file), Some(second)) => file.write(second.shown().as_bytes())?,
        (None, None) => {}
        (Some(_), None) => {
            return Err(other_factors("the policy asks for no second factor: leave --second out"));
        }
        (None, Some(_)) => {
            return Err(other_factors("the policy asks for a second factor: say where it goes by --second"));
        }
    }
    say::json(&json!({"keyring": package.keyring, "ends": package.ends}))
}

/// The keyring was made, and its factors are not all where they should go: nobody delivers it.
fn other_factors(words: &str) -> Failure {
    let words = format!("{words}; the keyring that was made is nobody's: fabricate another");
    Failure::new(Exit::Usage, "second_factor", words)
}
