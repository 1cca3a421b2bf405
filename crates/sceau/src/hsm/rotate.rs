//! `sceau hsm rotate`.

use std::time::{SystemTime, UNIX_EPOCH};

use sceau_hsm::pkcs11::TokenKeystore;
use sceau_hsm::{Error, KeyLabel, Operations as _, Provider as _};
use serde_json::json;

use super::place::Place;
use crate::cert::token::must_be_address;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau hsm rotate --element /var/lib/sceau-element \\
    'pkcs11:token=keys;object=element?module-path=…&pin-source=…' element-journal

Keys that seal, and masters, have versions. A key that signs or that documents are encrypted to changes with those who rely on it: a key manager does so by itself
(sceau keymanager rotate), and a log keeps its key.";

/// Which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateOptions {
    #[command(flatten)]
    place: Place,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The token's address (RFC 7512); object= names the keystore in it
    #[arg(value_name = "pkcs11:…")]
    token: String,
    /// The key's name in the keystore
    #[arg(value_name = "NAME")]
    key: String,
}

pub(super) fn run(options: &RotateOptions) -> Result<(), Failure> {
    let keystore = TokenKeystore::open(&options.place.token(), &must_be_address(&options.token)?)?;
    let label = KeyLabel::new(&options.key)?;
    let address = format!("{}:{label}", keystore.scheme()).parse()?;
    let key = keystore.find(&address)?.key;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let version = keystore.rotate(&key, now).map_err(|error| match error {
        Error::Unsupported { .. } => {
            let words = format!(
                "{key} is {}, and such keys have no versions: see sceau hsm rotate --help",
                key.kind()
            );
            Failure::new(Exit::Usage, "hsm_unsupported", words)
        }
        error => error.into(),
    })?;
    if options.json {
        return say::json(&json!({"key": key.uri(), "version": version}));
    }
    say::result(&format!("{key}  version {version} from now on"))
}
