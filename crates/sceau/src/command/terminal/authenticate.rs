//! `sceau terminal authenticate`.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, ToApprove, authenticate};
use serde_json::json;

use super::keypad::{PinOptions, not_taken};
use super::{show, warn};
use crate::command::keyring::{Opened, PlatformOptions, read_text, wait_for};
use crate::command::output::Access;
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal authenticate --folder ~/.keyring --at https://sceau.example.org \\
      login.request --out login.proof

Who asks, and what they are told of you, is shown before you are asked to agree. Nothing is signed in your name: a request to sign is refused here. The proof goes to \
the service provider, which verifies it (`sceau keyring verify`).";

/// Which request, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuthenticateOptions {
    /// The request, as the service provider gave it
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the element's proof of who you are goes, for the service provider
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &AuthenticateOptions) -> Result<(), Failure> {
    let request = read_text(&options.request, "a request")?;
    let server = options.platform.server()?;
    let (storage, width) = (Storage::at(&options.folder), show::width()?);
    // Before the holder agrees: a proof that could not be kept would be spent.
    let out = Opened::at(&options.out, Access::Private)?;
    let approve = |asked: &ToApprove| {
        say::remark(&show::to_approve(asked, width));
        if let Some(warning) = warn::others(&asked.others) {
            say::remark(&format!("\n{warning}"));
        }
        options.pin.agreed("not agreed: nobody is told who you are").map_err(|failure| not_taken(&failure))
    };
    let authenticated = wait_for(authenticate(&storage, &server, &request, approve))?;
    out.write(authenticated.proof.as_bytes())?;
    say::json(&json!({"index": authenticated.index}))
}
