//! `sceau keyring fabricate`: a keyring of nobody yet, and what to hand over.

use std::path::PathBuf;

use sceau_client::keyring::{current, fabricate};
use sceau_element_api::PolicyId;
use sceau_element_api::keyring::{KeyringPolicy, SecondFactor};
use sceau_element_api::wire::Code;
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
    // Before anything is made: a keyring that nobody can be given counts for as long as one that waits for its holder.
    match wait_for(current::<KeyringPolicy>(&server, &element, options.policy)) {
        Ok((_, policy, _)) => as_asked(policy.second_factor == SecondFactor::Required, second_file.as_ref())?,
        // The element has the word on what there is no document of.
        Err(failure) if failure.code == Code::NotFound.as_str() => {}
        Err(failure) => return Err(failure),
    }
    let (package, jws) = wait_for(fabricate(&server, &element, &signer, options.policy))?;
    // The policy may have changed in between, or the host shown an older one: then nothing of it is left behind either.
    as_asked(package.second.is_some(), second_file.as_ref()).map_err(|failure| {
        failure.and("the keyring that was made is nobody's, and nothing of it was written: fabricate another")
    })?;
    package_file.write(jws.expose().as_bytes())?;
    invitation_file.write(json!(package.invitation()).to_string().as_bytes())?;
    code_file.write(package.code.shown().as_bytes())?;
    if let (Some(file), Some(second)) = (second_file, &package.second) {
        file.write(second.shown().as_bytes())?;
    }
    say::json(&json!({"keyring": package.keyring, "ends": package.ends}))
}

/// Whether it is said where the second factor goes, exactly where there is one.
fn as_asked(two: bool, second: Option<&Opened>) -> Result<(), Failure> {
    let words = match (second, two) {
        (Some(_), true) | (None, false) => return Ok(()),
        (Some(_), false) => "the policy asks for no second factor: leave --second out",
        (None, true) => "the policy asks for a second factor: say where it goes by --second",
    };
    Err(Failure::new(Exit::Usage, "second_factor", words))
}
