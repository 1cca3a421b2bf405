//! Making a key manager once, and opening it at each start: keystore, database, trace, lists, keys, certificates, in this order.

use std::path::Path;
use std::sync::{Arc, RwLock};

use sceau_hsm::pkcs11::TokenKeystore;
use sceau_hsm::{
    KeyKind, KeyLabel, Operations as _, Provider, SoftwareKeystore, Unlock, VaultKeystore, VaultSettings,
};
use sceau_store::{Clock, Database, Outbox, RetryPolicy};
use sceau_trace::VerifierKey;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Inner, KeyManager};
use crate::calendar::AlteredKeys;
use crate::error::Error;
use crate::journal::{self, Journal, Parts};
use crate::judge::Judge;
use crate::keyring::Keyring;
use crate::link::{CONNECTION, Kept, Link};
use crate::quota::Buckets;
use crate::register::Registers;
use crate::rewrap::Rewrapping;
use crate::roots::Roots;
use crate::scanning::Scans;
use crate::schema::MIGRATIONS;
use crate::settings::Settings;
use crate::standing::Standing;
use crate::tls::Tls;
use crate::transit::Transit;
use crate::vault::Vault;

/// What is decided when a key manager is made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The organisation's name, for certificates and pages.
    pub organisation_name: String,
    /// Where its people open documents: `https://host[:port]`, reachable in its own network only.
    pub address: String,
}

/// Who this key manager is; kept sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) address: String,
    /// Name of its own log.
    pub(crate) log: String,
}

const IDENTITY: &str = "identity";
const KEYSTORE: &str = "keystore";
/// What belongs to keys that are in a Vault.
const IN_VAULT: &str = "vault";
/// What belongs to keys that are in a token.
const IN_TOKEN: &str = "token";
const DATABASE: &str = "keymanager.db";

impl KeyManager {
    /// Makes a key manager in `folder`: keystore, organisation root, log key, certification authority, server certificate.
    ///
    /// [`Self::root_fingerprint`] then goes to the platform's administrator over another channel.
    ///
    /// # Errors
    /// [`Error::AlreadyInitialised`], [`Error::Setup`], what the system says.
    pub async fn init(
        folder: &Path,
        setup: &Setup,
        unlock: &Unlock,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let identity = identity(setup)?;
        sceau_hsm::durable::secret_folder(folder)?;
        let keys = match elsewhere(folder, &settings, true)? {
            Some(keys) => keys,
            None => Arc::new(SoftwareKeystore::open_or_create(&folder.join(KEYSTORE), unlock)?),
        };
        let (database, vault) = state(folder, &keys, clock.now_ms()).await?;
        if vault.get::<Identity>(IDENTITY).await?.is_some() {
            return Err(Error::AlreadyInitialised(folder.to_owned()));
        }
        Roots::load(&vault, &*keys, clock.now_ms()).await?;
        // Last: an interrupted initialisation is taken up, a finished one is never repeated.
        let mut transaction = database.begin().await?;
        vault.put(&mut transaction, IDENTITY, &identity).await?;
        transaction.commit().await?;
        Self::assemble(folder, keys, database, vault, settings, clock).await
    }

    /// Opens the key manager of `folder` and checks everything in it.
    ///
    /// # Errors
    /// [`Error::NotInitialised`]; [`Error::Journal`] and [`Error::Tampered`] when something was altered; what the system says.
    pub async fn open(
        folder: &Path,
        unlock: &Unlock,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        if !folder.join(DATABASE).exists() {
            return Err(Error::NotInitialised(folder.to_owned()));
        }
        let keys = match elsewhere(folder, &settings, false)? {
            Some(keys) => keys,
            None => Arc::new(SoftwareKeystore::open(&folder.join(KEYSTORE), unlock)?),
        };
        let (database, vault) = state(folder, &keys, clock.now_ms()).await?;
        Self::assemble(folder, keys, database, vault, settings, clock).await
    }

    async fn assemble(
        folder: &Path,
        keys: Arc<dyn Provider>,
        database: Database,
        vault: Vault,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let now = clock.now_ms();
        let identity = vault.get::<Identity>(IDENTITY).await?;
        let (identity, _) = identity.ok_or_else(|| Error::NotInitialised(folder.to_owned()))?;
        let roots = Roots::load(&vault, &*keys, now).await?;
        // Without end: a record is never lost because the platform was away for long.
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        let outbox = Outbox::new(database.clone(), Arc::clone(&clock), policy);
        let (journal, named) = journal(&identity, &keys, &database, &outbox, &clock).await?;
        let registers = Registers::load(&vault, &named).await?;
        let keyring = Keyring::load(&database, &roots).await?;
        let kept = vault.get::<Kept>(CONNECTION).await?;
        let link = kept.map(|(kept, _)| Link::open(&kept)).transpose()?.map(Arc::new);
        let sealing = keys.find_or_generate(KeyKind::Aes256Gcm, &label(AUTHORITY)?, now)?;
        let tls = Tls::open(folder, &identity, &settings, &keys, sealing, now)?;
        let judge = Judge::open(tls.anchors(&settings)?, &settings, Arc::clone(&clock))?;
        tls.renew(&judge.now(), now)?;
        let buckets = Buckets::new(settings.quota);
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            identity,
            roots: RwLock::new(Arc::new(roots)),
            settings,
            clock,
            keys,
            vault,
            database,
            outbox,
            journal,
            registers: RwLock::new(registers),
            keyring: RwLock::new(Arc::new(keyring)),
            link: RwLock::new(link),
            judge,
            tls,
            buckets,
            transit: Transit::new(&named),
            scans: Scans::default(),
            rewrapping: Rewrapping::default(),
            standing: Standing::default(),
            altered_keys: AlteredKeys::default(),
            lifecycle: tokio::sync::Mutex::new(()),
            reloading: tokio::sync::Mutex::new(()),
            people: tokio::sync::Mutex::new(()),
            watching: tokio::sync::Mutex::new(()),
            deciding: tokio::sync::Mutex::new(()),
        })))
    }
}

/// Keys that are not in files: in a Vault or a token, if the settings name one. Those of a token are made where the key manager is.
fn elsewhere(folder: &Path, settings: &Settings, new: bool) -> Result<Option<Arc<dyn Provider>>, Error> {
    let in_token = folder.join(IN_TOKEN);
    match (&settings.vault, &settings.token) {
        (Some(_), Some(_)) => {
            let rule = "and [vault] name two places for the keys: keep one of them";
            Err(Error::Setup { field: "token", rule })
        }
        (Some(vault), None) => in_vault(folder, vault).map(Some),
        (None, Some(_)) if folder.join(KEYSTORE).join("keystore.json").exists() => {
            let rule = "is set, and the keys are in files: move them first, with sceau hsm move";
            Err(Error::Setup { field: "token", rule })
        }
        (None, Some(uri)) if new => Ok(Some(Arc::new(TokenKeystore::open_or_create(&in_token, uri)?))),
        (None, Some(uri)) => Ok(Some(Arc::new(TokenKeystore::open(&in_token, uri)?))),
        (None, None) => Ok(None),
    }
}

/// Keys in a Vault, for a key manager that was made so: keys that are here already are not moved, nor buried under others.
fn in_vault(folder: &Path, settings: &VaultSettings) -> Result<Arc<dyn Provider>, Error> {
    if folder.join(KEYSTORE).exists() {
        let rule = "is for a key manager that is made with it: this one has its keys in files, and they are not moved";
        return Err(Error::Setup { field: "[vault]", rule });
    }
    Ok(Arc::new(VaultKeystore::open(&folder.join(IN_VAULT), settings)?))
}

const LOG: &str = "trace";
const STATE: &str = "state";
const AUTHORITY: &str = "authority";

/// The trace of this key manager, under its own log key.
async fn journal(
    identity: &Identity,
    keys: &Arc<dyn Provider>,
    database: &Database,
    outbox: &Outbox,
    clock: &Arc<dyn Clock>,
) -> Result<journal::Opened, Error> {
    let key = keys.find_or_generate(KeyKind::Ed25519, &label(LOG)?, clock.now_ms())?;
    let public = *keys.verifying_key(&key)?.as_bytes();
    let log = VerifierKey::new(&identity.log, sceau_trace::KeyKind::Ed25519, public)
        .map_err(sceau_trace::CheckpointError::from)?;
    Journal::open(Parts {
        database: database.clone(),
        outbox: outbox.clone(),
        clock: Arc::clone(clock),
        keys: Arc::clone(keys),
        key,
        log,
    })
    .await
}

fn label(text: &str) -> Result<KeyLabel, Error> {
    Ok(KeyLabel::new(text)?)
}

async fn state(folder: &Path, keys: &Arc<dyn Provider>, now: u64) -> Result<(Database, Vault), Error> {
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let database = Database::open(&folder.join(DATABASE), &migrations).await?;
    let sealing = keys.find_or_generate(KeyKind::Aes256Gcm, &label(STATE)?, now)?;
    let vault = Vault::new(database.clone(), Arc::clone(keys), sealing);
    Ok((database, vault))
}

fn identity(setup: &Setup) -> Result<Identity, Error> {
    let name = setup.organisation_name.trim();
    let fits = !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if !fits {
        return Err(Error::Setup { field: "organisation name", rule: "1 to 64 characters" });
    }
    let bad = Error::Setup { field: "address", rule: "https://host[:port] and nothing more" };
    let Ok(url) = Url::parse(&setup.address) else { return Err(bad) };
    let origin = url.origin().ascii_serialization();
    if url.scheme() != "https" || origin != setup.address.trim_end_matches('/') {
        return Err(bad);
    }
    let log = format!("{}/trace", origin.trim_start_matches("https://"));
    Ok(Identity { name: name.to_owned(), address: origin, log })
}
