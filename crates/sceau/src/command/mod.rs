//! The tools: what a person or a script does with files, keys and logs on this machine, without trusting a server.

mod completions;
mod deposit;
mod doctor;
mod fault;
pub(crate) mod input;
mod inspect;
pub(crate) mod keyring;
mod keys;
mod manual;
mod open;
pub(crate) mod output;
pub(crate) mod passphrase;
mod progress;
mod protect;
mod provider;
mod seal;
mod sign;
mod terminal;
mod trace;

use crate::cert::CertCommand;
use crate::failure::Failure;
use crate::hsm::HsmCommand;

/// The tools, as subcommands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tool {
    /// Seal files for their recipients
    Seal(seal::SealOptions),
    /// Open sealed files with your private key
    Open(open::OpenOptions),
    /// Show what a sealed file tells without a key
    Inspect(inspect::InspectOptions),
    /// Sign PDF documents, so that any reader of PDFs can judge it
    Sign(Box<sign::SignOptions>),
    /// Say what the signatures of a PDF are worth
    Verify(sign::verify::VerifyOptions),
    /// Deposit files in a dossier, as a citizen, without a browser
    Deposit(Box<deposit::DepositOptions>),
    /// Encrypt files under keys of their own, which the element gives to whom may open them
    Protect(Box<protect::ProtectOptions>),
    /// Open files that were protected
    Unprotect(Box<protect::UnprotectOptions>),
    /// Let somebody open what is protected
    Grant(Box<protect::GrantOptions>),
    /// Let somebody open it no more
    Revoke(Box<protect::RevokeOptions>),
    /// Show or set what bounds the openings of something protected
    Rules(Box<protect::RulesOptions>),
    /// Have something protected open until another day
    Renew(Box<protect::RenewOptions>),
    /// Agree that another user opens something protected, once
    Agree(Box<protect::AgreeOptions>),
    /// Erase what is protected, for good
    Erase(Box<protect::EraseOptions>),
    /// List who asked for what of something protected
    Accesses(Box<protect::AccessesOptions>),
    /// Show the keys that a provider of identities signs with, for an application that names it
    ProviderKeys(protect::ProviderKeysOptions),
    /// Make keys, and show them
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Verify the public log, and evidence from it
    #[command(subcommand)]
    Trace(trace::TraceCommand),
    /// Certificates for mutual TLS: ask for one, put it together, look at it, judge it
    #[command(subcommand)]
    Cert(Box<CertCommand>),
    /// Tokens that keep keys of certificates (PKCS#11): see them, try them, begin one
    #[command(subcommand)]
    Hsm(HsmCommand),
    /// Keyrings of holders: policies, keyrings made and handed over, requests to sign
    #[command(subcommand)]
    Keyring(keyring::KeyringCommand),
    /// Be the terminal of a keyring: activate it, and sign with it
    #[command(subcommand)]
    Terminal(terminal::TerminalCommand),
    /// Tend a provider that logs people in at sites by their keyrings
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Say what is wrong with an installation, and what to do
    Doctor(doctor::DoctorOptions),
    /// Print completions for your shell
    Completions(completions::CompletionsOptions),
    /// Write manual pages into a folder
    #[command(hide = true)]
    Manual(manual::ManualOptions),
}

/// Shown under `sceau --help`; the same table is in docs/command-line.md.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the system is at fault: a disk, a network, another program
  2  the command was used wrongly, or would have overwritten a file
  3  the input is damaged, altered, or something else than expected
  4  the key does not fit: another recipient's, or a wrong passphrase
  5  a signature or a proof does not hold";

impl Tool {
    /// Does it. `program` is the whole command line, for completions.
    pub(crate) fn run(&self, program: clap::Command) -> Result<(), Failure> {
        match self {
            Self::Seal(options) => seal::run(options),
            Self::Open(options) => open::run(options),
            Self::Inspect(options) => inspect::run(options),
            Self::Sign(options) => sign::run(options),
            Self::Verify(options) => sign::verify::run(options),
            Self::Deposit(options) => deposit::run(options),
            Self::Protect(options) => protect::protect(options),
            Self::Unprotect(options) => protect::unprotect(options),
            Self::Grant(options) => protect::grant(options),
            Self::Revoke(options) => protect::revoke(options),
            Self::Rules(options) => protect::rules(options),
            Self::Renew(options) => protect::renew(options),
            Self::Agree(options) => protect::agree(options),
            Self::Erase(options) => protect::erase(options),
            Self::Accesses(options) => protect::accesses(options),
            Self::ProviderKeys(options) => protect::provider_keys(options),
            Self::Cert(command) => command.run(),
            Self::Hsm(command) => command.run(),
            Self::Keyring(command) => command.run(),
            Self::Terminal(command) => command.run(),
            Self::Provider(command) => command.run(),
            Self::Doctor(options) => doctor::run(options),
            Self::Keys(command) => keys::run(command),
            Self::Trace(command) => trace::run(command),
            Self::Completions(options) => completions::run(options, program),
            Self::Manual(options) => manual::run(options, program),
        }
    }

    /// Whether results, and a failure too, are asked for as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Seal(options) => options.json,
            Self::Open(options) => options.json,
            Self::Inspect(options) => options.json,
            Self::Sign(options) => options.json,
            Self::Verify(options) => options.json,
            Self::Deposit(options) => options.json,
            Self::Protect(options) => options.json(),
            Self::Unprotect(options) => options.json(),
            Self::Grant(options) => options.json(),
            Self::Revoke(options) => options.json(),
            Self::Rules(options) => options.json,
            Self::Renew(options) => options.json,
            Self::Agree(options) => options.json,
            Self::Erase(options) => options.json,
            Self::Accesses(options) => options.json,
            Self::Cert(command) => command.json(),
            Self::Hsm(command) => command.json(),
            Self::Doctor(options) => options.json,
            Self::Keys(command) => command.json(),
            Self::Trace(command) => command.json(),
            Self::Terminal(command) => command.json(),
            Self::ProviderKeys(_) | Self::Keyring(_) | Self::Provider(_) => true,
            Self::Completions(_) | Self::Manual(_) => false,
        }
    }
}
