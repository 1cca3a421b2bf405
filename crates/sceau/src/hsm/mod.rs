//! `sceau hsm`: tokens that keep keys of certificates (PKCS#11): what is there, whether it works, and a token for the first time.

mod check;
mod init;
mod list;

use crate::failure::Failure;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum HsmCommand {
    /// Show the tokens of a module, or the keys of a token
    List(list::ListOptions),
    /// Say whether a key in a token can be used, and whether it can leave it
    Check(check::CheckOptions),
    /// Give a token that was never used its label and PINs
    Init(init::InitOptions),
}

impl HsmCommand {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(options) => list::run(options),
            Self::Check(options) => check::run(options),
            Self::Init(options) => init::run(options),
        }
    }

    /// Whether results, and a failure too, are asked for as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List(options) => options.json,
            Self::Check(options) => options.json,
            Self::Init(options) => options.json,
        }
    }
}
