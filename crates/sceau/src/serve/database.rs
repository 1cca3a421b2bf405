//! Where the platform's records are: the section `[database]` of the settings.

use std::path::{Path, PathBuf};

use sceau_store::{Database, Postgres, PostgresAddress};
use serde::Deserialize;

use super::secret::SecretFile;
use crate::failure::Failure;

/// Where records are kept.
#[derive(Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DatabaseSettings {
    /// A SQLite file, `records.db` in the data folder, of one process.
    #[default]
    File,
    /// A PostgreSQL database, which several processes of the platform share.
    Postgresql {
        /// Server, role and database, without a password.
        url: String,
        /// Where the role's password is.
        password_file: Option<SecretFile>,
        /// PEM file of the authority that signed the server's certificate, where it is none of the public ones.
        ca_file: Option<PathBuf>,
        /// Connections that requests share.
        #[serde(default = "connections")]
        connections: u32,
        /// Connections that hold turns on dossiers.
        #[serde(default = "turns")]
        turns: u32,
    },
}

fn connections() -> u32 {
    10
}

fn turns() -> u32 {
    4
}

impl DatabaseSettings {
    /// What can be judged without asking the server.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self::Postgresql { url, connections, turns, .. } = self else { return Ok(()) };
        url.parse::<PostgresAddress>().map_err(|error| format!("database.url: {error}"))?;
        let possible = (1..=1000).contains(connections) && (1..=1000).contains(turns);
        if possible { Ok(()) } else { Err("database.connections and database.turns are 1 to 1000".into()) }
    }

    /// The paths that are written in it, with their names.
    pub(crate) fn paths(&self) -> [(&'static str, Option<&Path>); 2] {
        let (password, authority) = match self {
            Self::File => (None, None),
            Self::Postgresql { password_file, ca_file, .. } => {
                (password_file.as_ref().and_then(SecretFile::path), ca_file.as_deref())
            }
        };
        [("database.password_file", password), ("database.ca_file", authority)]
    }

    /// Whether it is a file of one machine.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }

    /// Opens it, with every table of the platform; `data` is the platform's folder. A file that other programs open too is not opened `alone`.
    pub(crate) async fn open(&self, data: &Path, alone: bool) -> Result<Database, Failure> {
        let migrations = [
            sceau_store::MIGRATIONS,
            sceau_accounts::MIGRATIONS,
            sceau_dossiers::MIGRATIONS,
            sceau_protect::MIGRATIONS,
            sceau_keyrings::MIGRATIONS,
        ]
        .concat();
        let opened = match self.server()? {
            None if alone => Database::open(&data.join("records.db"), &migrations).await,
            None => Database::open_beside_another(&data.join("records.db"), &migrations).await,
            Some(postgres) => Database::connect(&postgres, &migrations).await,
        };
        opened.map_err(|error| Failure::role("store", &error))
    }

    /// The server, where there is one, with its password.
    pub(crate) fn server(&self) -> Result<Option<Postgres>, Failure> {
        let Self::Postgresql { url, password_file, ca_file, connections, turns } = self else {
            return Ok(None);
        };
        let address = url.parse();
        Ok(Some(Postgres {
            address: address.map_err(|error: sceau_store::StoreError| Failure::role("store", &error))?,
            password: password_file.as_ref().map(SecretFile::read).transpose()?,
            ca_file: ca_file.clone(),
            connections: *connections,
            turns: *turns,
        }))
    }
}
