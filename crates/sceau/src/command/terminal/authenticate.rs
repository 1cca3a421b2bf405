//! `sceau terminal authenticate`.

use std::path::PathBuf;

use sceau_client::terminal::{Storage, ToApprove, Visitor, authenticate, authenticate_with_face};
use sceau_element_api::KeyringRequestId;
use serde_json::json;

use super::face::CaptureOptions;
use super::handed::hand_over;
use super::keypad::PinOptions;
use super::{show, warn};
use crate::command::keyring::{NotDone, Opened, PlatformOptions, read_text, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
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
    #[arg(value_name = "REQUEST", required_unless_present = "waiting", conflicts_with = "waiting")]
    request: Option<PathBuf>,
    /// In its place, a request that waits at the host, as `sceau terminal pending` names it
    #[arg(long = "request", value_name = "ID")]
    waiting: Option<KeyringRequestId>,
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the element's proof of who you are goes, for the service provider; of a request that waited, through the host alone unless this is said
    #[arg(long, value_name = "FILE", required_unless_present = "waiting")]
    out: Option<PathBuf>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    capture: CaptureOptions,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &AuthenticateOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let (storage, width) = (Storage::at(&options.folder), show::width()?);
    let picture = options.capture.read()?;
    let request = match (&options.request, options.waiting) {
        (Some(file), _) => read_text(file, "a request")?,
        (None, Some(id)) => wait_for(async { Visitor::at(&storage, &server).await?.fetch(id).await })?,
        (None, None) => return Err(Failure::new(Exit::Usage, "request_missing", "name a request")),
    };
    // Before the holder agrees: a proof that could not be kept would be spent.
    let out = options.out.as_deref().map(|out| Opened::at(out, Access::Private)).transpose()?;
    let approve = |asked: &ToApprove| {
        say::remark(&show::to_approve(asked, width));
        if let Some(warning) = warn::all(&asked.others, &asked.added) {
            say::remark(&format!("\n{warning}"));
        }
        options.pin.agreed("not agreed: nobody is told who you are").map_err(NotDone::from)
    };
    let authenticated = match &picture {
        Some(picture) => {
            let camera = || picture.taken();
            wait_for(authenticate_with_face(&storage, &server, &request, approve, &camera))
        }
        None => wait_for(authenticate(&storage, &server, &request, approve)),
    }?;
    let write = || out.map_or(Ok(()), |out| out.write(authenticated.proof.as_bytes()));
    match options.waiting {
        Some(id) => hand_over(&storage, &server, (id, (&authenticated).into()), write)?,
        None => write()?,
    }
    say::json(&json!({"index": authenticated.index}))
}
