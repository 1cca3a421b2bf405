//! The key manager as a whole: initialised once, opened at each start, connected to a platform.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sceau_crypto::Fingerprint;
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations as _, Provider, SoftwareKeystore, Unlock};
use sceau_pki::ClientJudge;
use sceau_store::{Clock, Database, Outbox, RetryPolicy};
use sceau_trace::{Action, Actor, ActorKind, VerifierKey};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::journal::{self, Journal, Parts};
use crate::keyring::Keyring;
use crate::link::{CONNECTION, Connection, Kept, Link};
use crate::quota::Buckets;
use crate::register::Registers;
use crate::schema::MIGRATIONS;
use crate::settings::Settings;
use crate::tls::Tls;
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

/// An open key manager. Cheap to clone.
#[derive(Clone)]
pub struct KeyManager(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    identity: Identity,
    root: KeyRef,
    fingerprint: Fingerprint,
    settings: Settings,
    clock: Arc<dyn Clock>,
    keys: Arc<dyn Provider>,
    vault: Vault,
    database: Database,
    outbox: Outbox,
    journal: Journal,
    registers: RwLock<Registers>,
    keyring: RwLock<Arc<Keyring>>,
    link: RwLock<Option<Arc<Link>>>,
    judge: ClientJudge,
    tls: Tls,
    buckets: Buckets,
    /// Held while keys change: two ticks must not make the same serial.
    lifecycle: tokio::sync::Mutex<()>,
    /// Held while a list of people changes.
    people: tokio::sync::Mutex<()>,
    /// Held while the platform's log is read: two readers must not put each other back.
    watching: tokio::sync::Mutex<()>,
    /// Held while a decision is taken: two at once must see each other.
    deciding: tokio::sync::Mutex<()>,
}

const IDENTITY: &str = "identity";
const KEYSTORE: &str = "keystore";
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
        let keystore = folder.join(KEYSTORE);
        let keys: Arc<dyn Provider> = Arc::new(SoftwareKeystore::open_or_create(&keystore, unlock)?);
        let (database, vault) = state(folder, &keys, clock.now_ms()).await?;
        if vault.get::<Identity>(IDENTITY).await?.is_some() {
            return Err(Error::AlreadyInitialised(folder.to_owned()));
        }
        keys.find_or_generate(KeyKind::Ed25519, &label(ROOT)?, clock.now_ms())?;
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
        let keys: Arc<dyn Provider> = Arc::new(SoftwareKeystore::open(&folder.join(KEYSTORE), unlock)?);
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
        let root = keys.find_or_generate(KeyKind::Ed25519, &label(ROOT)?, now)?;
        let fingerprint = keys.verifying_key(&root)?.fingerprint();
        // Without end: a record is never lost because the platform was away for long.
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        let outbox = Outbox::new(database.clone(), Arc::clone(&clock), policy);
        let (journal, named) = journal(&identity, &keys, &database, &outbox, &clock).await?;
        let registers = Registers::load(&vault, &named).await?;
        let keyring = Keyring::load(&database, &fingerprint).await?;
        let kept = vault.get::<Kept>(CONNECTION).await?;
        let link = kept.map(|(kept, _)| Link::open(&kept)).transpose()?.map(Arc::new);
        let sealing = keys.find_or_generate(KeyKind::Aes256Gcm, &label(AUTHORITY)?, now)?;
        let tls = Tls::open(folder, &identity, &settings, &keys, sealing, now)?;
        let judge = ClientJudge::new(tls.anchors(&settings)?, settings.role_names.clone())?;
        tls.renew(&judge, now)?;
        let buckets = Buckets::new(settings.quota);
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            identity,
            root,
            fingerprint,
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
            lifecycle: tokio::sync::Mutex::new(()),
            people: tokio::sync::Mutex::new(()),
            watching: tokio::sync::Mutex::new(()),
            deciding: tokio::sync::Mutex::new(()),
        })))
    }

    /// Connects to a platform that enrolled this organisation's root: checks that it did, and keeps the connection sealed. The keys are published
    /// by the next [`Self::tick`].
    ///
    /// # Errors
    /// [`Error::OtherRoot`]; [`Error::Platform`] when it does not answer.
    pub async fn connect(&self, connection: &Connection) -> Result<(), Error> {
        let _alone = self.alone().await;
        let kept = Kept::from(connection);
        let link = Link::open(&kept)?;
        link.check_root(&self.0.fingerprint).await?;
        let mut append = self.0.journal.begin().await?;
        let draft =
            RecordDraft::new(self.actor_of(Some(&link)), Action::parse("platform.connect")?).granted();
        append.record(draft.organisation(link.organisation)).await?;
        self.0.vault.put(append.transaction(), CONNECTION, &kept).await?;
        append.commit().await?;
        *self.0.link.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(link));
        Ok(())
    }

    /// Fingerprint of the organisation's root: what people compare, `grouped()` by four.
    pub fn root_fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The key that checkpoints of this key manager's own trace verify under.
    pub fn log_key(&self) -> &VerifierKey {
        self.0.journal.log_key()
    }

    /// The organisation's name, as given at [`Self::init`].
    pub fn organisation_name(&self) -> &str {
        &self.0.identity.name
    }

    /// Where its people open documents, `https://host[:port]`.
    pub fn address(&self) -> &str {
        &self.0.identity.address
    }

    /// The embedded authority's certificate in PEM: what browsers and programs of the organisation must trust.
    pub fn authority_pem(&self) -> String {
        self.0.tls.authority_pem()
    }

    /// The folder of its state.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Whether [`Self::connect`] was done.
    pub fn is_connected(&self) -> bool {
        self.link().is_some()
    }
}

/// What the other modules of this room use.
impl KeyManager {
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.clock.now_ms()
    }

    pub(crate) fn keys(&self) -> &dyn Provider {
        &*self.0.keys
    }

    pub(crate) fn shared_keys(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.0.keys)
    }

    pub(crate) fn root(&self) -> &KeyRef {
        &self.0.root
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn judge(&self) -> &ClientJudge {
        &self.0.judge
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.0.tls
    }

    pub(crate) fn buckets(&self) -> &Buckets {
        &self.0.buckets
    }

    pub(crate) fn registers(&self) -> &RwLock<Registers> {
        &self.0.registers
    }

    /// Alone among those who change lists of people.
    pub(crate) async fn changing_people(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.people.lock().await
    }

    /// Alone among those who read the platform's log.
    pub(crate) async fn watching(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.watching.lock().await
    }

    /// Alone among those who decide.
    pub(crate) async fn deciding(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.deciding.lock().await
    }

    /// Alone among those who change keys or the connection.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.lifecycle.lock().await
    }

    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.0.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) async fn reload_keyring(&self) -> Result<(), Error> {
        let keyring = Arc::new(Keyring::load(&self.0.database, &self.0.fingerprint).await?);
        *self.0.keyring.write().unwrap_or_else(PoisonError::into_inner) = keyring;
        Ok(())
    }

    /// A record of what this key manager does by itself.
    pub(crate) fn own_record(&self, action: Action) -> RecordDraft {
        let link = self.link();
        let draft = RecordDraft::new(self.actor_of(link.as_deref()), action);
        match link {
            Some(link) => draft.organisation(link.organisation),
            None => draft,
        }
    }

    /// Itself: the organisation's id, or its root's fingerprint while it has none.
    fn actor_of(&self, link: Option<&Link>) -> Actor {
        let id = link.map_or_else(|| self.0.fingerprint.to_string(), |link| link.organisation.to_string());
        Actor::new(ActorKind::KeyManager, id)
    }
}

impl std::fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyManager({}, root {})", self.0.identity.address, self.0.fingerprint)
    }
}

const ROOT: &str = "organisation-root";
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
