//! `sceau hsm init`.

use std::path::{Path, PathBuf};

use sceau_hsm::pkcs11::{self, Pin, PinSource};
use serde_json::json;

use crate::cert::token::of_token;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  (umask 077; openssl rand -hex 16 > so-pin; openssl rand -hex 16 > pin)
  sceau hsm init --module /usr/lib/softhsm/libsofthsm2.so --label gate --so-pin-file so-pin --pin-file pin

Keep the security officer's PIN elsewhere: it is asked for once the other is locked. A token that is in use is never made anew.";

/// Which token, and what it gets.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitOptions {
    /// The PKCS#11 module that speaks for it
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// Its label, 1 to 32 octets
    #[arg(long, value_name = "NAME")]
    label: String,
    /// File with the security officer's PIN, which its owner alone reads
    #[arg(long, value_name = "FILE")]
    so_pin_file: PathBuf,
    /// File with the PIN for the keys' use, which its owner alone reads
    #[arg(long, value_name = "FILE")]
    pin_file: PathBuf,
    /// Its slot [default: the first whose token was never initialised]
    #[arg(long, value_name = "NUMBER")]
    slot: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(options: &InitOptions) -> Result<(), Failure> {
    let (officer, user) = (pin(&options.so_pin_file)?, pin(&options.pin_file)?);
    let made = pkcs11::initialise(&options.module, options.slot, &options.label, &officer, &user)
        .map_err(|error| of_token(&error))?;
    if options.json {
        return say::json(&json!({"token": made.label, "serial": made.serial, "slot": made.slot}));
    }
    say::result(&format!("Token    {:?}, serial {}", made.label, made.serial))?;
    say::remark(
        "Next: sceau cert csr --key 'pkcs11:token=…;object=…?module-path=…&pin-source=file:…' makes a key in it.",
    );
    Ok(())
}

fn pin(path: &Path) -> Result<Pin, Failure> {
    Pin::read(&PinSource::File(path.to_owned()))
        .map_err(|why| Failure::new(Exit::Usage, "hsm_pkcs11_pin_unreadable", why))
}
