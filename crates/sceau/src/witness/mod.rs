//! `sceau witness`: a witness of logs (C2SP tlog-witness), for whoever does not run them.
//!
//! It remembers the last checkpoint of each log that it was told of, and cosigns another only if that extends it. It never goes back: what it
//! cosigned is on disk before it is said.

mod edge;
mod init;
mod keeper;
mod run;

use std::path::PathBuf;

use sceau_hsm::{Passphrase, Unlock};

use crate::failure::Failure;

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum WitnessCommand {
    /// Make a witness: its key and its folder; prints the key that goes into policies
    Init(init::InitOptions),
    /// Take checkpoints of logs, and cosign those that extend what was cosigned before
    Run(run::RunOptions),
}

impl WitnessCommand {
    /// Whether it is to end with its parent.
    pub(crate) fn die_with_parent(&self) -> bool {
        matches!(self, Self::Run(options) if options.die_with_parent)
    }
}

/// Does it.
pub(crate) async fn run(command: WitnessCommand) -> Result<(), Failure> {
    match command {
        WitnessCommand::Init(options) => init::run(&options),
        WitnessCommand::Run(options) => run::run(options).await,
    }
}

/// Where a witness keeps its key and what it remembers.
#[derive(Debug, clap::Args)]
struct WitnessState {
    /// Folder of the key and of what was cosigned. Never put an older copy back: make a new witness instead
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    unlock: UnlockOptions,
}

/// What opens the keystore.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct UnlockOptions {
    /// File with the passphrase of the keystore, readable by this user only
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File of 32 random bytes that opens the keystore, in the place of a passphrase: a credential of systemd's
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
}

impl WitnessState {
    fn unlock(&self) -> Result<Unlock, Failure> {
        match (&self.unlock.passphrase_file, &self.unlock.credential_file) {
            (Some(file), _) => Ok(Unlock::Passphrase(Passphrase::from_file(file)?)),
            (None, Some(file)) => Ok(Unlock::Credential(file.clone())),
            // The command line asks for one of them.
            (None, None) => Err(Failure::new(crate::failure::Exit::Usage, "unlock", "say --passphrase-file")),
        }
    }

    fn keystore(&self) -> PathBuf {
        self.data.join("keystore")
    }

    /// The public key, for people and for the next start.
    fn public_key(&self) -> PathBuf {
        self.data.join("witness.vkey")
    }

    /// The last checkpoint of each log.
    fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }
}
