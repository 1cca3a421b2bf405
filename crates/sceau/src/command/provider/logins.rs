//! `sceau provider logins` and `evidence`: who logged in, and what shows it.

use std::path::PathBuf;

use sceau_element_api::{KeyringId, KeyringRequestId};
use serde_json::json;

use super::DataOptions;
use crate::command::keyring::write;
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

/// Which logins.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginsOptions {
    /// At this site alone
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// By this keyring alone
    #[arg(long, value_name = "ID")]
    keyring: Option<KeyringId>,
    /// Before this one, which the answer named as `next`
    #[arg(long, value_name = "TIME:ID")]
    before: Option<String>,
    #[command(flatten)]
    data: DataOptions,
}

impl LoginsOptions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let malformed =
            || Failure::new(Exit::Usage, "cursor_malformed", "--before is what an answer named as `next`");
        let before = match &self.before {
            None => (u64::MAX >> 1, ""),
            Some(text) => {
                let (time, id) = text.split_once(':').ok_or_else(malformed)?;
                (time.parse().map_err(|_| malformed())?, id)
            }
        };
        let client = self.client.clone().unwrap_or_default();
        let keyring = self.keyring.map(|keyring| keyring.to_string()).unwrap_or_default();
        let all = self.data.with(async |records| records.logins(before, &client, &keyring).await)?;
        let next = all.last().filter(|_| all.len() == 100).map(|last| format!("{}:{}", last.time, last.id));
        let each = all.iter().map(|one| {
            json!({"id": one.id, "time": one.time, "client": one.client, "keyring": one.keyring, "index": one.index})
        });
        say::json(&json!({"logins": each.collect::<Vec<_>>(), "next": next}))
    }
}

/// Which login, and where what shows it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct EvidenceOptions {
    /// The login, as `sceau provider logins` named it
    id: KeyringRequestId,
    /// Where the request goes, as this provider signed it
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Where the element's proof goes
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    #[command(flatten)]
    data: DataOptions,
}

impl EvidenceOptions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let found = self.data.with(async |records| records.login(self.id).await)?;
        let words = "there is no such login, or it is kept no more";
        let found = found.ok_or_else(|| Failure::new(Exit::Usage, "login_unknown", words))?;
        write(&self.request, Access::Shared, found.request.as_bytes())?;
        write(&self.proof, Access::Private, found.proof.as_bytes())
    }
}
