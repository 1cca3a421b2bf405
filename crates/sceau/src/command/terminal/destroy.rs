//! `sceau terminal destroy`.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, ToApprove, destroy};
use sceau_keyring::Pin;
use serde_json::json;

use super::keypad::PinOptions;
use super::warn;
use crate::command::keyring::{NotDone, Opened, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::command::passphrase::typed;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal destroy --folder ~/.keyring --at https://sceau.example.org --proof end.proof

Nothing brings the keyring back, and what it signed stays good. The folder is emptied. Where the PIN is lost, your registration authority ends it \
(`sceau terminal suspend` stops it meanwhile).";

/// Which terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DestroyOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the element's proof of it goes
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &DestroyOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let proof = options.proof.as_deref().map(|path| Opened::at(path, Access::Shared)).transpose()?;
    let approve = |asked: &ToApprove| options.approve(asked).map_err(NotDone::from);
    let destroyed = wait_for(destroy(&Storage::at(&options.folder), &server, approve))?;
    if let (Some(file), Some(proof)) = (proof, &destroyed.proof) {
        file.write(proof.as_bytes())?;
    }
    say::json(&json!({"phase": "destroyed", "index": destroyed.index}))
}

impl DestroyOptions {
    /// Shows what it is, and asks for agreement and PIN.
    fn approve(&self, asked: &ToApprove) -> Result<Pin, Failure> {
        say::remark(&warn::to_destroy(asked));
        if self.pin.pin_file.is_none()
            && *typed("Type destroy to agree: ", "agreement", "--pin-file")? != "destroy"
        {
            return Err(Failure::new(Exit::Usage, "not_approved", "not agreed: nothing is destroyed"));
        }
        self.pin.existing()
    }
}
