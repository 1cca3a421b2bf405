//! `sceau provider`: what the operator of a provider does beside serving: who its holders are, secrets of sites, evidence of logins.

mod holder;
mod logins;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_provider::Records;
use sceau_store::StoreError;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::say;

/// What to do at a provider that logs people in by keyrings.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProviderCommand {
    /// Whose keyring a name is, so that people need not type an id
    #[command(subcommand)]
    Holder(holder::HolderCommand),
    /// Draw a secret for a site, and its hash for the settings
    Secret,
    /// List who logged in where, the last first
    Logins(logins::LoginsOptions),
    /// Write what shows that somebody logged in: request and proof, for `sceau keyring verify`
    Evidence(logins::EvidenceOptions),
}

impl ProviderCommand {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Holder(command) => command.run(),
            Self::Secret => {
                let secret = URL_SAFE_NO_PAD.encode(sceau_crypto::random::<32>());
                let hash = hex::encode(sceau_crypto::sha256(secret.as_bytes()));
                say::json(&json!({"client_secret": secret, "secret_sha256": hash}))
            }
            Self::Logins(options) => options.run(),
            Self::Evidence(options) => options.run(),
        }
    }
}

/// Where the provider keeps what it keeps.
#[derive(Debug, clap::Args)]
pub(crate) struct DataOptions {
    /// The provider's data folder. The provider may be serving
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
}

impl DataOptions {
    /// Does something with the records.
    fn with<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        act: impl FnOnce(Records) -> F,
    ) -> Result<T, Failure> {
        if !self.data.is_dir() {
            let words =
                format!("there is no folder {}: the provider makes it at its start", self.data.display());
            return Err(Failure::new(Exit::Usage, "provider", words));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
        let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
        let done = runtime.block_on(async { act(Records::open(&self.data).await?).await });
        done.map_err(|error| Failure::role("provider", &error))
    }
}
