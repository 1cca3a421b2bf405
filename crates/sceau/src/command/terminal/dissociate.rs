//! `sceau terminal dissociate`: a terminal is taken off its keyring.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, ToApprove, dissociate};
use sceau_element_api::TerminalId;
use serde_json::json;

use super::keypad::PinOptions;
use super::warn;
use crate::command::keyring::{NotDone, Opened, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal dissociate --folder ~/.keyring --at https://sceau.example.org --terminal TERMINAL

`sceau terminal state` lists the terminals. Without --terminal it is this one, whose folder is emptied. Where the policy says so, support has to agree \
(`sceau keyring dissociate`). The last terminal is not taken off: `sceau terminal destroy` ends the keyring.";

/// Which terminal, on which.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DissociateOptions {
    /// The folder of the terminal that you are at
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// The one that is taken off; this one, unless said
    #[arg(long, value_name = "TERMINAL")]
    terminal: Option<TerminalId>,
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

pub(super) fn run(options: &DissociateOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let proof = options.proof.as_deref().map(|path| Opened::at(path, Access::Shared)).transpose()?;
    let approve = |asked: &ToApprove| {
        say::remark(&warn::to_dissociate(asked));
        options.pin.agreed("not agreed: no terminal is taken off").map_err(NotDone::from)
    };
    let done = wait_for(dissociate(&Storage::at(&options.folder), &server, options.terminal, approve))?;
    if let Some(file) = proof {
        file.write(done.proof.as_bytes())?;
    }
    if done.waits {
        say::remark(
            "Support has to agree, within seven days: until then the terminal is one of the keyring. `sceau terminal suspend` stops all of them meanwhile.",
        );
    }
    let became = if done.waits { "asked" } else { "dissociated" };
    say::json(&json!({"terminal": done.terminal, "became": became, "index": done.index}))
}
