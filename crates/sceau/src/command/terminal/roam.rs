//! `sceau terminal roam`, `confirm` and `withdraw`: another terminal comes to this one's keyring.

use std::path::PathBuf;

use sceau_client::Server;
use sceau_client::terminal::{
    Became, Came, Storage, ToApprove, admit, await_coming, await_joined, let_come, withdraw,
};
use sceau_keyring::ShortCode;
use serde_json::json;

use super::keypad::PinOptions;
use super::{code_picture, warn};
use crate::command::keyring::{NotDone, Opened, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::command::passphrase::typed;
use crate::failure::{Exit, Failure};
use crate::say;

const ROAM_EXAMPLES: &str = "\
Examples:
  sceau terminal roam --folder ~/.keyring --at https://sceau.example.org

The policy must allow it. You agree with the PIN, and are shown a code, as text and as a picture: type it at the other terminal (`sceau terminal join`) within five minutes, where nobody sees it. The other \
terminal then shows a short code: type that one here. At last, the PIN is typed there.";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  sceau terminal confirm --folder ~/.keyring --at https://sceau.example.org

What `sceau terminal roam` does after it showed the code, where its window was closed, or it was asked not to wait.";

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  sceau terminal withdraw --folder ~/.keyring --at https://sceau.example.org

The code is of no use any more, and a terminal that came with it and is not one of the keyring yet is none.";

/// Short codes that are typed before it is taken that they differ.
const TYPED: usize = 3;

/// Which terminal, and where the code goes.
#[derive(Debug, clap::Args)]
#[command(after_help = ROAM_EXAMPLES)]
pub(crate) struct RoamOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Write the code to this file, which only you can read, in the place of showing it
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// Write the picture of the code to this file (SVG), which only you can read
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// End once the code was shown: `sceau terminal confirm` goes on
    #[arg(long)]
    no_wait: bool,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

/// Which terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = CONFIRM_EXAMPLES)]
pub(crate) struct ConfirmOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// The short code that the other terminal shows, for scripts: one that differs takes the roaming code back
    #[arg(long, value_name = "CODE")]
    shown: Option<String>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    platform: PlatformOptions,
}

/// Which terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = WITHDRAW_EXAMPLES)]
pub(crate) struct WithdrawOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &RoamOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let opened =
        |path: &Option<PathBuf>| path.as_deref().map(|path| Opened::at(path, Access::Private)).transpose();
    let (code, picture) = (opened(&options.code_file)?, opened(&options.picture)?);
    let storage = Storage::at(&options.folder);
    let approve = |asked: &ToApprove| {
        say::remark(&warn::to_roam(asked));
        options.pin.agreed("not agreed: no other terminal may come").map_err(NotDone::from)
    };
    let may_come = wait_for(let_come(&storage, &server, approve))?;
    let shown = may_come.code.shown();
    if let Some(file) = picture {
        file.write(code_picture::svg(&shown)?.as_bytes())?;
    }
    match code {
        Some(file) => file.write(shown.as_bytes())?,
        None => {
            if let Some(drawn) = code_picture::drawn(&shown)? {
                say::remark(&drawn);
            }
            say::remark(&format!(
                "Type this code at the other terminal, within five minutes:\n\n    {}\n",
                *shown
            ));
        }
    }
    if options.no_wait {
        return say::json(
            &json!({"terminal": may_come.terminal, "index": may_come.index, "became": "expected"}),
        );
    }
    compare(&storage, &server, None)
}

pub(super) fn confirm(options: &ConfirmOptions) -> Result<(), Failure> {
    let shown = options.shown.as_deref().map(ShortCode::parse).transpose().map_err(malformed)?;
    compare(&Storage::at(&options.folder), &options.platform.server()?, shown)
}

pub(super) fn take_back(options: &WithdrawOptions) -> Result<(), Failure> {
    let index = wait_for(withdraw(&Storage::at(&options.folder), &options.platform.server()?))?;
    say::json(&json!({"became": "nothing", "index": index}))
}

/// Waits for the other terminal, compares what it shows, and waits until it is one of the keyring.
fn compare(storage: &Storage, server: &Server, given: Option<ShortCode>) -> Result<(), Failure> {
    say::remark("Waiting for the other terminal…");
    let came = wait_for(await_coming(storage, server))?;
    if !is_shown(&came, given)? {
        wait_for(withdraw(storage, server))?;
        let words = "another terminal than yours came with the code: the short codes differ. The code was taken back. Show the next one where nobody sees it";
        return Err(Failure::new(Exit::Proof, "short_code_differs", words));
    }
    let index = wait_for(admit(storage, server, &came))?;
    say::remark("It is the same. Type the PIN at the other terminal, within five minutes.");
    let became = match wait_for(await_joined(storage, server))? {
        Became::Joined => "joined",
        Became::Moved => "moved",
        Became::Nothing => {
            let words = "the other terminal did not become one of the keyring in time: show another code";
            return Err(Failure::new(Exit::Usage, "roaming_over", words));
        }
    };
    say::remark(match became {
        "moved" => {
            "The keyring moved to the other terminal. This one is none of it any more, and its folder is empty."
        }
        _ => "The other terminal is one of the keyring. Take it off with `sceau terminal dissociate`.",
    });
    say::json(&json!({"became": became, "admitted": index}))
}

/// Whether the holder reads the same at the other terminal.
fn is_shown(came: &Came, given: Option<ShortCode>) -> Result<bool, Failure> {
    if let Some(given) = given {
        return Ok(given == came.shown);
    }
    for _ in 0..TYPED {
        let text = typed(
            "A terminal came. Type the short code that YOUR other terminal shows: ",
            "short code",
            "--shown",
        )?;
        if ShortCode::parse(&text).is_ok_and(|typed| typed == came.shown) {
            return Ok(true);
        }
        say::remark("That is not what the terminal shows that came.");
    }
    Ok(false)
}

fn malformed(error: sceau_keyring::FactorError) -> Failure {
    Failure::new(Exit::Usage, "code_malformed", format!("the short code: {error}"))
}
