//! `sceau terminal state` and `sceau terminal suspend`: with the terminal's key alone. A PIN that was lost, or a suspicion, asks for no PIN.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, state, suspend as suspended};
use sceau_element_api::keyring::SuspendReason;
use serde_json::json;

use super::warn;
use crate::command::keyring::{PlatformOptions, standing, wait_for};
use crate::failure::Failure;
use crate::say;

const STATE_EXAMPLES: &str = "\
Examples:
  sceau terminal state --folder ~/.keyring --at https://sceau.example.org

No PIN is asked for. What was tried with the keyring since this terminal's last use, and not by this terminal, stands first: a copy of the terminal shows there.";

const SUSPEND_EXAMPLES: &str = "\
Examples:
  sceau terminal suspend --folder ~/.keyring --reason suspected --at https://sceau.example.org

Reasons: lost, suspected, requested, entitlement. No PIN is asked for. From then on nothing is signed and no PIN is tried. You cannot undo it: only your registration \
authority lets the keyring go on.";

/// Which terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = STATE_EXAMPLES)]
pub(crate) struct StateOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    platform: PlatformOptions,
}

/// Which terminal, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = SUSPEND_EXAMPLES)]
pub(crate) struct SuspendOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Why
    #[arg(long, value_name = "REASON")]
    reason: SuspendReason,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &StateOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let state = wait_for(state(&Storage::at(&options.folder), &server))?;
    if let Some(warning) = warn::all(&state.others, &state.added) {
        say::remark(&format!("{warning}\n"));
    }
    say::remark(&standing::told(&state.standing));
    let others = state.others.attempts.len();
    let added: Vec<_> = state.added.iter().map(|one| one.terminal).collect();
    say::json(
        &json!({"terminal": state.terminal, "others": others, "added": added, "standing": state.standing}),
    )
}

pub(super) fn suspend(options: &SuspendOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let stopped = wait_for(suspended(&Storage::at(&options.folder), &server, options.reason))?;
    say::remark(
        "The keyring is suspended. Tell your registration authority: it alone lets it go on, or makes you another one.",
    );
    say::json(&json!({"phase": stopped.phase, "index": stopped.index}))
}
