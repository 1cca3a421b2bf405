//! The server of the platform's records.

use sceau_store::Database;

use super::Finding;
use crate::serve::database::DatabaseSettings;

const CHECK: &str = "records";

/// Asks the server that the settings name.
pub(super) async fn look(settings: &DatabaseSettings) -> Finding {
    let postgres = match settings.server() {
        Ok(None) => return Finding::well(CHECK, "in a file of the data folder, for one process"),
        Ok(Some(postgres)) => postgres,
        Err(failure) => {
            return Finding::trouble(
                CHECK,
                failure.to_string(),
                "give the file to the platform's user, mode 0600",
            );
        }
    };
    let address = &postgres.address;
    match Database::probe(&postgres).await {
        Ok(version) => Finding::well(CHECK, format!("PostgreSQL {version} answers at {address}")),
        Err(error) if error.is_away() => Finding::trouble(
            CHECK,
            format!("{address}: {error}"),
            "start the server, and look at its address, its max_connections and what stands between",
        ),
        Err(error) => Finding::trouble(
            CHECK,
            format!("{address}: {error}"),
            "see docs/deploy/postgresql.md: role, database, certificate and what the server must do",
        ),
    }
}
