//! The server of the platform's records.

use sceau_store::Database;
use time::OffsetDateTime;

use super::{Finding, local};
use crate::serve::database::DatabaseSettings;

const CHECK: &str = "records";

/// Asks the server that the settings name.
pub(super) async fn look(settings: &DatabaseSettings, now_ms: u64) -> Vec<Finding> {
    let postgres = match settings.server() {
        Ok(None) => return vec![Finding::well(CHECK, "in a file of the data folder, for one process")],
        Ok(Some(postgres)) => postgres,
        Err(failure) => {
            let advice = "give the file to the platform's user, mode 0600";
            return vec![Finding::trouble(CHECK, failure.to_string(), advice)];
        }
    };
    let address = &postgres.address;
    let probed = Database::probe(&postgres).await;
    let finding = match &probed {
        Ok((version, _)) => Finding::well(CHECK, format!("PostgreSQL {version} answers at {address}")),
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
    };
    let theirs = probed.ok().and_then(|(_, now)| i64::try_from(now / 1000).ok());
    let theirs = theirs.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let clock = theirs.map(|theirs| local::clock(&format!("PostgreSQL at {address}"), theirs, now_ms));
    [finding].into_iter().chain(clock).collect()
}
