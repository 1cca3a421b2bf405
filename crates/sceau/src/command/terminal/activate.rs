//! `sceau terminal activate`.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, activate};
use sceau_element_api::keyring::{KeyringPhase, SecondFactor};
use sceau_keyring::{Factor, Factors, Invitation};
use serde_json::json;

use super::keypad::{PinOptions, secret_line};
use super::show;
use crate::command::keyring::{NotDone, PlatformOptions, read_text, wait_for};
use crate::command::passphrase::typed;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal activate --folder ~/.keyring --at https://sceau.example.org \\
      --invitation k.invitation

You are asked for the activation code, and for the second factor where the keyring has one; shown whose the keyring is, and asked for a PIN twice, on a keypad whose digits stand elsewhere each time. The folder is of \
this machine: its copy is no terminal.";

/// Which keyring, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ActivateOptions {
    /// The folder that becomes the terminal, which only you can read
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// The invitation that your registration authority gave you
    #[arg(long, value_name = "FILE")]
    invitation: PathBuf,
    /// A file that holds the activation code, for scripts
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// A file that holds the second factor, for scripts; where the keyring has one
    #[arg(long, value_name = "FILE")]
    second_file: Option<PathBuf>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &ActivateOptions) -> Result<(), Failure> {
    let text = read_text(&options.invitation, "an invitation")?;
    let invitation: Invitation = serde_json::from_str(&text).map_err(|_| {
        let words = format!("{} is not an invitation", options.invitation.display());
        Failure::new(Exit::Input, "invitation_malformed", words)
    })?;
    let code = match &options.code_file {
        Some(file) => secret_line(file, "an activation code")?,
        None => typed("Activation code: ", "activation code", "--code-file")?,
    };
    let code = read::<20>("the activation code", &code)?;
    let second = match (invitation.second_factor, &options.second_file) {
        (SecondFactor::None, None) => None,
        (SecondFactor::None, Some(_)) => {
            return Err(Failure::new(Exit::Usage, "second_unasked", "this keyring has no second factor"));
        }
        (SecondFactor::Required, Some(file)) => Some(secret_line(file, "a second factor")?),
        (SecondFactor::Required, None) => Some(typed("Second factor: ", "second factor", "--second-file")?),
    };
    let second = second.map(|second| read::<16>("the second factor", &second)).transpose()?;
    let factors = Factors { code: &code, second: second.as_ref() };
    let server = options.platform.server()?;
    let storage = Storage::at(&options.folder);
    let activated = wait_for(activate(&storage, &server, &invitation, &factors, |shown| {
        say::remark(&show::to_activate(shown));
        options.pin.chosen().map_err(NotDone::from)
    }))?;
    let phase = activated.phase;
    if phase == KeyringPhase::Certifying {
        say::remark(
            "The keyring is yours, and waits for its certificate, which an authority outside is to issue: it signs after that. `sceau terminal state` says when.\n",
        );
    }
    say::json(&json!({"keyring": invitation.keyring, "phase": phase, "index": activated.index}))
}

/// A factor, as it was typed.
fn read<const LENGTH: usize>(what: &str, typed: &str) -> Result<Factor<LENGTH>, Failure> {
    Factor::parse(typed)
        .map_err(|error| Failure::new(Exit::Usage, "code_malformed", format!("{what}: {error}")))
}
