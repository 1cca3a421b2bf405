//! `sceau terminal join`: this machine becomes one more terminal of a keyring.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, ToJoin, join};
use sceau_element_api::keyring::KeyringsAbout;
use sceau_keyring::{RoamingCode, places};
use serde_json::json;

use super::code_picture::PREFIX;
use super::keypad::{PinOptions, secret_line};
use super::show;
use crate::command::keyring::{NotDone, PlatformOptions, wait_for};
use crate::command::passphrase::typed;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal join --folder ~/.keyring --at https://sceau.example.org

You are asked for the code that the other terminal shows (`sceau terminal roam`), and shown a short code, to be typed there. Then you read whose the keyring is, and type \
its PIN. A wrong PIN counts as on the other terminal, and ends it: have another code shown.";

/// Which folder, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct JoinOptions {
    /// The folder that becomes the terminal, which only you can read
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// A file that holds the code, for scripts
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &JoinOptions) -> Result<(), Failure> {
    let code = match &options.code_file {
        Some(file) => secret_line(file, "a roaming code")?,
        None => typed("Code that the other terminal shows: ", "roaming code", "--code-file")?,
    };
    let code = RoamingCode::parse(code.strip_prefix(PREFIX).unwrap_or(&code));
    let code = code
        .map_err(|error| Failure::new(Exit::Usage, "code_malformed", format!("the roaming code: {error}")))?;
    let (storage, server) = (Storage::at(&options.folder), options.platform.server()?);
    // Who carries messages says which element it is, and the code proves it or not.
    let about: KeyringsAbout = wait_for(server.get(places::ABOUT))?;
    let shown = |short: &sceau_keyring::ShortCode| {
        say::remark(&format!("Type this short code at the other terminal:\n\n    {}\n", *short.shown()));
        Ok(())
    };
    let approve = |asked: &ToJoin| {
        say::remark(&show::to_join(asked));
        options.pin.existing().map_err(NotDone::from)
    };
    let joined = wait_for(join(&storage, &server, &about, &code, shown, approve))?;
    let (keyring, terminal, index) = (joined.keyring, joined.terminal, joined.index);
    say::json(&json!({"keyring": keyring, "terminal": terminal, "index": index}))
}
