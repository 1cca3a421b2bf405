//! The key manager as a whole: what every other module of this room works with. [`assembly`] puts it together.

mod assembly;

pub(crate) use assembly::Identity;
pub use assembly::Setup;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sceau_crypto::Fingerprint;
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::Provider;
use sceau_pki::ClientJudge;
use sceau_store::{Clock, Database, Outbox};
use sceau_trace::{Action, Actor, ActorKind, VerifierKey};

use crate::calendar::AlteredKeys;
use crate::error::Error;
use crate::journal::Journal;
use crate::judge::Judge;
use crate::keyring::Keyring;
use crate::link::{CONNECTION, Connection, Kept, Link};
use crate::quota::Buckets;
use crate::register::Registers;
use crate::rewrap::Rewrapping;
use crate::roots::Roots;
use crate::scanning::Scans;
use crate::settings::Settings;
use crate::standing::Standing;
use crate::tls::Tls;
use crate::transit::Transit;
use crate::vault::Vault;

/// That nobody else reads the platform's log. What was kept of it holds from when it was read to its end for as long as this is held: the
/// next reader keeps pages before it knows that they are the log's.
pub(crate) struct Watching<'a>(#[expect(dead_code, reason = "held")] tokio::sync::MutexGuard<'a, ()>);

/// An open key manager. Cheap to clone.
#[derive(Clone)]
pub struct KeyManager(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    identity: Identity,
    roots: RwLock<Arc<Roots>>,
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
    judge: Judge,
    tls: Tls,
    buckets: Buckets,
    transit: Transit,
    scans: Scans,
    rewrapping: Rewrapping,
    standing: Standing,
    altered_keys: AlteredKeys,
    /// Held while keys change: two ticks must not make the same serial.
    lifecycle: tokio::sync::Mutex<()>,
    /// Held while the keyring is read anew: of a root that comes into force and a key that is made, neither must put the other back.
    reloading: tokio::sync::Mutex<()>,
    /// Held while a list of people changes.
    people: tokio::sync::Mutex<()>,
    /// Held while the platform's log is read: two readers must not put each other back.
    watching: tokio::sync::Mutex<()>,
    /// Held while a decision is taken: two at once must see each other.
    deciding: tokio::sync::Mutex<()>,
}

impl KeyManager {
    /// Connects to a platform that enrolled this organisation's root: checks that it did, and keeps the connection sealed. The keys are published
    /// by the next [`Self::tick`].
    ///
    /// # Errors
    /// [`Error::OtherRoot`]; [`Error::Platform`] when it does not answer.
    pub async fn connect(&self, connection: &Connection) -> Result<(), Error> {
        let _alone = self.alone().await;
        let kept = Kept::from(connection);
        let link = Link::open(&kept)?;
        link.check_root(&self.roots()).await?;
        let mut append = self.0.journal.begin().await?;
        let draft = RecordDraft::new(self.actor_of(Some(&link)), Action::PLATFORM_CONNECT).granted();
        append.record(draft.organisation(link.organisation)).await?;
        self.0.vault.put(append.transaction(), CONNECTION, &kept).await?;
        append.commit().await?;
        *self.0.link.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(link));
        Ok(())
    }

    /// Fingerprint of the organisation's root: what people compare, `grouped()` by four.
    pub fn root_fingerprint(&self) -> Fingerprint {
        self.roots().in_force().fingerprint
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

    /// Closes its files; for a caller that does not end with it.
    pub(crate) async fn close(&self) {
        self.0.database.close().await;
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

    pub(crate) fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.0.roots.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys first: nobody sees the new root with the keys of the old one.
    pub(crate) async fn put_roots(&self, roots: Roots) -> Result<(), Error> {
        let _alone = self.0.reloading.lock().await;
        let keyring = Arc::new(Keyring::load(&self.0.database, &roots).await?);
        *self.0.keyring.write().unwrap_or_else(PoisonError::into_inner) = keyring;
        *self.0.roots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roots);
        Ok(())
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

    pub(crate) fn judge(&self) -> Arc<ClientJudge> {
        self.0.judge.now()
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.0.tls
    }

    pub(crate) fn buckets(&self) -> &Buckets {
        &self.0.buckets
    }

    pub(crate) fn transit(&self) -> &Transit {
        &self.0.transit
    }

    pub(crate) fn rewrapping(&self) -> &Rewrapping {
        &self.0.rewrapping
    }

    pub(crate) fn altered_keys(&self) -> &AlteredKeys {
        &self.0.altered_keys
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    pub(crate) fn scans(&self) -> &Scans {
        &self.0.scans
    }

    pub(crate) fn registers(&self) -> &RwLock<Registers> {
        &self.0.registers
    }

    /// Alone among those who change lists of people.
    pub(crate) async fn changing_people(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.people.lock().await
    }

    /// Alone among those who read the platform's log.
    pub(crate) async fn watching(&self) -> Watching<'_> {
        Watching(self.0.watching.lock().await)
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
        let _alone = self.0.reloading.lock().await;
        let keyring = Arc::new(Keyring::load(&self.0.database, &self.roots()).await?);
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
        let id =
            link.map_or_else(|| self.root_fingerprint().to_string(), |link| link.organisation.to_string());
        Actor::new(ActorKind::KeyManager, id)
    }
}

impl std::fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyManager({}, root {})", self.0.identity.address, self.root_fingerprint())
    }
}
