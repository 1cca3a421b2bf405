//! `sceau provider holder`: the directory of names.

use std::time::{SystemTime, UNIX_EPOCH};

use sceau_element_api::KeyringId;
use sceau_provider::Alias;
use serde_json::json;

use super::DataOptions;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau provider holder add m.curie 5f0c… --data /var/lib/sceau-provider
  sceau provider holder list --data /var/lib/sceau-provider
  sceau provider holder remove m.curie --data /var/lib/sceau-provider

The registration authority says whose a keyring is: ask it for the id, and give the name to its holder.";

/// Whose keyring a name is.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum HolderCommand {
    /// Enter a name
    Add {
        /// What its holder types: letters, digits and -._@+
        alias: String,
        /// Their keyring
        keyring: KeyringId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List the names, a thousand at most
    List {
        /// Go on behind this one
        #[arg(long, value_name = "NAME", default_value = "")]
        behind: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Take a name out. Its holder logs in by it no more, nor by a browser that remembers it
    Remove {
        /// Which
        alias: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

impl HolderCommand {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { alias, keyring, data } => {
                let alias = read(alias)?;
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
                let added = data.with(async |records| records.add(&alias, *keyring, now).await)?;
                let words = "the name is somebody's already: remove it first, or choose another";
                if added { Ok(()) } else { Err(Failure::new(Exit::Usage, "alias_taken", words)) }
            }
            Self::List { behind, data } => {
                let all = data.with(async |records| records.holders(behind).await)?;
                let all = all
                    .iter()
                    .map(|one| json!({"alias": one.alias, "keyring": one.keyring, "time": one.time}));
                say::json(&json!({"holders": all.collect::<Vec<_>>()}))
            }
            Self::Remove { alias, data } => {
                let alias = read(alias)?;
                let removed = data.with(async |records| records.remove(&alias).await)?;
                if removed {
                    Ok(())
                } else {
                    Err(Failure::new(Exit::Usage, "alias_unknown", "there is no such name"))
                }
            }
        }
    }
}

fn read(alias: &str) -> Result<Alias, Failure> {
    Alias::parse(alias).map_err(|error| Failure::new(Exit::Usage, "alias_malformed", error.to_string()))
}
