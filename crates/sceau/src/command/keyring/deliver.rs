//! `sceau keyring deliver`: a registration authority's word on whom a keyring was handed to.

use std::path::PathBuf;

use sceau_client::keyring::{Handed, deliver};
use sceau_keyring::Identity;
use serde_json::json;

use super::{ActorOptions, PinnedElement, PlatformOptions, read_text, wait_for};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring deliver --at https://sceau.example.org --element element.json \\
      --certificate ra.pem --key ra.key \\
      --holder 2026-118 --common-name 'Marie Curie' --channel hand k.package

The name is what the holder's certificate says. Afterwards destroy the package: it has the activation code.";

/// To whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeliverOptions {
    /// The package that `sceau keyring fabricate` wrote
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// What you call the holder
    #[arg(long, value_name = "REFERENCE")]
    holder: String,
    /// The holder's name
    #[arg(long, value_name = "NAME")]
    common_name: String,
    /// Given name, where the policy asks for it
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// Surname, where the policy asks for it
    #[arg(long, value_name = "NAME")]
    surname: Option<String>,
    /// What tells holders of one name apart, where the policy asks for it
    #[arg(long, value_name = "NUMBER")]
    serial_number: Option<String>,
    /// Country, two letters, where the policy asks for it
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// How the factors were handed over, a word: hand, post, sms; once for each, the code's first. Two factors go by two channels
    #[arg(long, value_name = "CHANNEL", required = true)]
    channel: Vec<String>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &DeliverOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let package = zeroize::Zeroizing::new(read_text(&options.package, "a package")?);
    let identity = Identity {
        common_name: options.common_name.clone(),
        given_name: options.given_name.clone(),
        surname: options.surname.clone(),
        serial_number: options.serial_number.clone(),
        country: options.country.clone(),
    };
    let handed = Handed { holder: options.holder.clone(), identity, channels: options.channel.clone() };
    let server = options.platform.server()?;
    let index = wait_for(deliver(&server, &element, &signer, &package, handed))?;
    say::json(&json!({"index": index}))
}
