//! `sceau hsm move`.

use std::path::PathBuf;

use sceau_hsm::pkcs11::{MovedKey, move_to_token};
use sceau_hsm::{Passphrase, Unlock};
use serde_json::json;

use super::place::Place;
use crate::cert::token::must_be_address;
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau hsm move --element /var/lib/sceau-element --credential-file keystore.credential \\
    'pkcs11:token=keys;object=element?module-path=…&pin-source=…'

Each key is tried in the token before the first file is destroyed. Interrupted, it is to be repeated. Backups that were made before still hold the keys: destroy them, or
count what is in them as known. See docs/keep-a-key-in-an-hsm.md.";

/// What, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MoveOptions {
    #[command(flatten)]
    place: Place,
    /// File with the passphrase of the keystore in files, readable by this user only
    #[arg(long, value_name = "FILE", required_unless_present = "credential_file")]
    passphrase_file: Option<PathBuf>,
    /// File with its 32-byte credential
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    credential_file: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The token's address (RFC 7512); object= names the keystore in it
    #[arg(value_name = "pkcs11:…")]
    token: String,
}

pub(super) fn run(options: &MoveOptions) -> Result<(), Failure> {
    let uri = must_be_address(&options.token)?;
    let unlock = match (&options.passphrase_file, &options.credential_file) {
        (Some(path), _) => Unlock::Passphrase(Passphrase::from_file(path)?),
        (None, path) => Unlock::Credential(path.clone().unwrap_or_default()),
    };
    let moved = move_to_token(&options.place.files(), &unlock, &options.place.token(), &uri)?;
    if options.json {
        let key = |moved: &MovedKey| json!({"key": moved.key.uri(), "kind": moved.key.kind(), "in_token": moved.in_token});
        return say::json(&json!({"moved": moved.iter().map(key).collect::<Vec<_>>()}));
    }
    for MovedKey { key, in_token } in &moved {
        let how = if *in_token { "in the token" } else { "sealed under the token, used in memory" };
        say::result(&format!("{key}  {}, {how}", key.kind()))?;
    }
    say::remark(&format!("The files are destroyed. Next: {}.", options.place.setting()));
    Ok(())
}
