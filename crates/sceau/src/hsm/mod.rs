//! `sceau hsm`: tokens that keep keys (PKCS#11): what is there, whether it works, a token for the first time, and keystores of the element and the key
//! manager in one.

mod check;
mod init;
mod list;
mod moving;
mod place;
mod rotate;

use crate::failure::Failure;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum HsmCommand {
    /// Show the tokens of a module, or the keys of a token
    List(list::ListOptions),
    /// Say whether a key in a token, or each key of a keystore there, can be used, and whether it can leave it
    Check(check::CheckOptions),
    /// Give a token that was never used its label and PINs
    Init(init::InitOptions),
    /// Move the keys of an element or a key manager from files into a token; what they sealed opens as before
    Move(moving::MoveOptions),
    /// Make a new current version of a key of a keystore in a token; what earlier ones sealed and derived stays readable
    Rotate(rotate::RotateOptions),
}

impl HsmCommand {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(options) => list::run(options),
            Self::Check(options) => check::run(options),
            Self::Init(options) => init::run(options),
            Self::Move(options) => moving::run(options),
            Self::Rotate(options) => rotate::run(options),
        }
    }

    /// Whether results, and a failure too, are asked for as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List(options) => options.json,
            Self::Check(options) => options.json,
            Self::Init(options) => options.json,
            Self::Move(options) => options.json,
            Self::Rotate(options) => options.json,
        }
    }
}
