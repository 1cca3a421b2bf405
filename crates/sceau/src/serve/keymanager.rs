//! The key manager, on the owner's premises, assembled.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sceau_hsm::{Passphrase, Unlock};
use sceau_keymanager::{KeyManager, Settings};
use sceau_store::{ClamdAddress, Clock, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;

use super::{asked_to_end, policy, say_ready};
use crate::failure::{Exit, Failure};

/// Where a key manager keeps its keys, and how they are unlocked.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyManagerState {
    /// Folder of the keys and records of the organisation
    #[arg(long, default_value = "keymanager")]
    pub(crate) data: PathBuf,
    /// File with the passphrase of the keystore, readable by this user only
    #[arg(long, default_value = "keymanager.passphrase")]
    pub(crate) passphrase_file: PathBuf,
    /// What the organisation decides, in TOML: suite, periods, quota, its own authorities (see docs/operate.md)
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
}

/// A key manager that serves.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyManagerOptions {
    #[command(flatten)]
    state: KeyManagerState,
    /// Address to listen at, in the organisation's internal network
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// An antivirus, as the policy's `[scanner]` names it: for `sceau up`
    #[arg(long, hide = true)]
    antivirus: Vec<ClamdAddress>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

impl KeyManagerState {
    /// How the keystore is unlocked. Where a Vault or a token keeps the keys there is nothing to unlock, and the file is not read.
    pub(crate) fn unlock(&self) -> Result<Unlock, Failure> {
        let settings = self.settings()?;
        if settings.vault.is_some() || settings.token.is_some() {
            return Ok(Unlock::Credential(self.passphrase_file.clone()));
        }
        Passphrase::from_file(&self.passphrase_file).map(Unlock::Passphrase).map_err(|error| {
            let failure = Failure::new(Exit::Usage, "passphrase", error.to_string());
            if self.passphrase_file.exists() {
                return failure;
            }
            failure
                .and("write the keystore's passphrase into that file, or name another with --passphrase-file")
        })
    }

    /// What the organisation decides.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        policy::read(self.policy.as_deref())
    }

    /// Opens the key manager of the folder.
    pub(crate) async fn open(&self) -> Result<KeyManager, Failure> {
        self.open_with(self.settings()?).await
    }

    async fn open_with(&self, settings: Settings) -> Result<KeyManager, Failure> {
        let unlock = self.unlock()?;
        KeyManager::open(&self.data, &unlock, settings, clock()).await.map_err(|error| {
            let in_use = matches!(&error, sceau_keymanager::Error::Keys(sceau_hsm::Error::InUse(_)));
            let no_keystore =
                matches!(&error, sceau_keymanager::Error::Keys(sceau_hsm::Error::NotAKeystore(_)));
            let failure = Failure::from(error);
            if in_use {
                failure.and("keys, rotate and rewrap also ask the one that runs: --at")
            } else if no_keystore {
                failure.and("or, where a Vault or a token keeps its keys, give its policy: --policy")
            } else {
                failure
            }
        })
    }
}

/// Serves pages and unwrapping, renews keys and delivers what waits, until asked to end.
pub(crate) async fn run(options: KeyManagerOptions) -> Result<(), Failure> {
    let mut settings = options.state.settings()?;
    if !options.antivirus.is_empty() {
        settings.scanner = Some(policy::scanner_of(options.antivirus));
    }
    let key_manager = options.state.open_with(settings).await?;
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let until = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let worker = key_manager.clone();
    let work = tokio::spawn({
        let stopped = until(stopped.clone());
        async move { worker.work(stopped).await }
    });
    let end = asked_to_end()?;
    say_ready(&json!({
        "ready": "keymanager", "url": key_manager.address(),
        "root_fingerprint": key_manager.root_fingerprint().to_string(),
    }))?;
    let stop = Arc::new(stop);
    let signal = Arc::clone(&stop);
    tokio::spawn(async move {
        end.await;
        let _ = signal.send(true);
    });
    let served = key_manager.serve(listener, until(stopped)).await;
    // It may have ended by itself, on an address that is not internal for instance.
    let _ = stop.send(true);
    let _ = work.await;
    Ok(served?)
}

/// The machine's clock.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

impl From<sceau_keymanager::Error> for Failure {
    fn from(error: sceau_keymanager::Error) -> Self {
        let exit = match &error {
            sceau_keymanager::Error::Backup(error) => crate::custody::exit(error),
            _ => Exit::System,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}
