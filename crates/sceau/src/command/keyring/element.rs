//! `sceau keyring element`: which element it is, asked of the element itself.

use std::path::PathBuf;

use sceau_element_api::Client;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring element --socket /run/sceau/element.sock > element.json

Done where the element runs, by who administers it. What it prints is no secret: give it to registration authorities and service providers by a way that the platform \
does not alter. They say whom they speak to by it (--element).";

/// Where it is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ElementOptions {
    /// Socket of the element, which must be started with --keyrings-officer
    #[arg(long, value_name = "SOCKET")]
    socket: PathBuf,
}

pub(super) fn run(options: &ElementOptions) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    let about = runtime.block_on(Client::new(&options.socket).keyrings_about());
    let about = about.map_err(|error| Failure::new(Exit::System, "element", error.to_string()))?;
    say::json(&json!(about))
}
