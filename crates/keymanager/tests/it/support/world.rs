//! One key manager with its platform, at a time that stands still until it is moved.

use std::path::Path;
use std::sync::Arc;

use sceau_client::Credentials;
use sceau_element_api::documents::{DecisionRole, KeyStatement, KeyUse};
use sceau_element_api::{AccountId, OrganisationId};
use sceau_hsm::Unlock;
use sceau_keymanager::{Binding, Connection, KeyManager, NewCertificate, Settings, Setup};
use sceau_pki::CertificateRole;
use sceau_store::{Clock, Database, ManualClock};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Browser, FakePlatform};

pub const DAY: u64 = 24 * 3600 * 1000;
/// 20 November 2026, noon.
pub const START: u64 = 1_795_176_000_000;

pub struct World {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub platform: FakePlatform,
    pub organisation: OrganisationId,
    pub manager: KeyManager,
    port: u16,
    listener: Option<TcpListener>,
    serving: Option<oneshot::Sender<()>>,
}

/// What a stopped key manager leaves.
pub struct Stopped {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub platform: FakePlatform,
    pub organisation: OrganisationId,
    pub port: u16,
}

impl Stopped {
    pub async fn open(&self, settings: Settings) -> Result<KeyManager, sceau_keymanager::Error> {
        let (data, unlock) = (self.folder.path().join("data"), unlock(self.folder.path()));
        loop {
            let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
            match KeyManager::open(&data, &unlock, settings.clone(), clock).await {
                // The server's task, which holds the keystore, is still ending.
                Err(sceau_keymanager::Error::Keys(sceau_hsm::Error::InUse(_))) => {
                    tokio::task::yield_now().await
                }
                opened => return opened,
            }
        }
    }

    pub async fn database(&self) -> Database {
        database(&self.folder).await
    }

    /// Tries to make a key manager in the same folder.
    pub async fn initialise(&self, address: &str) -> Result<KeyManager, sceau_keymanager::Error> {
        let setup = Setup { organisation_name: "Région".to_owned(), address: address.to_owned() };
        let (data, unlock) = (self.folder.path().join("data"), unlock(self.folder.path()));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        KeyManager::init(&data, &setup, &unlock, Settings::default(), clock).await
    }

    pub async fn start(self, settings: Settings) -> World {
        let manager = self.open(settings).await.unwrap();
        let Self { folder, clock, platform, organisation, port } = self;
        let mut world =
            World { folder, clock, platform, organisation, manager, port, listener: None, serving: None };
        world.serve().await;
        world
    }
}

async fn database(folder: &TempDir) -> Database {
    let migrations = [sceau_store::MIGRATIONS, sceau_keymanager::MIGRATIONS].concat();
    Database::open(&folder.path().join("data/keymanager.db"), &migrations).await.unwrap()
}

/// A credential file, so that tests do not wait for Argon2.
pub fn unlock(folder: &Path) -> Unlock {
    let path = folder.join("credential");
    if !path.exists() {
        sceau_hsm::durable::secret_folder(folder).unwrap();
        sceau_hsm::write_new_credential(&path).unwrap();
    }
    Unlock::Credential(path)
}

impl World {
    /// A key manager that is connected, has published its keys, and serves.
    pub async fn connected() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let mut world = Self::unconnected(settings).await;
        world.connect().await;
        world.manager.tick().await.assert_well();
        // What the first one delivered is in the log by now.
        world.manager.tick().await.assert_well();
        world.serve().await;
        world
    }

    pub async fn unconnected(settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let organisation = OrganisationId::random();
        let platform = FakePlatform::start().await;
        // Its port is this world's own name, and nobody else's before it serves.
        let probe = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = probe.local_addr().unwrap().port();
        let setup = Setup {
            organisation_name: "Région des Tests".to_owned(),
            address: format!("https://cles.localhost:{port}"),
        };
        let as_clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let data = folder.path().join("data");
        let manager =
            KeyManager::init(&data, &setup, &unlock(folder.path()), settings, as_clock).await.unwrap();
        platform.lock().root = Some(manager.root_fingerprint());
        Self { folder, clock, platform, organisation, manager, port, listener: Some(probe), serving: None }
    }

    pub fn connection(&self) -> Connection {
        Connection {
            platform: self.platform.origin.clone(),
            organisation: self.organisation,
            credentials: Credentials {
                client_id: "client".to_owned(),
                client_secret: "secret".to_owned().into(),
            },
            log_key: self.platform.log_key(),
            anchors_pem: None,
        }
    }

    pub async fn connect(&self) {
        self.manager.connect(&self.connection()).await.unwrap();
    }

    pub async fn serve(&mut self) {
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(("127.0.0.1", self.port)).await.unwrap(),
        };
        let (stop, stopped) = oneshot::channel();
        let manager = self.manager.clone();
        tokio::spawn(async move { manager.serve(listener, async move { drop(stopped.await) }).await });
        self.serving = Some(stop);
    }

    /// As after the process was killed and started again, with these settings.
    pub async fn restart(self, settings: Settings) -> Self {
        self.stop().start(settings).await
    }

    /// Stops; what is on disk stays.
    pub fn stop(self) -> Stopped {
        let Self { folder, clock, platform, organisation, port, .. } = self;
        Stopped { folder, clock, platform, organisation, port }
    }

    /// The key manager's own database, opened beside it, as somebody with the machine's disk could.
    pub async fn database(&self) -> Database {
        database(&self.folder).await
    }

    pub fn origin(&self) -> String {
        format!("https://cles.localhost:{}", self.port)
    }

    /// A browser that shows this certificate, or none.
    pub fn browser(&self, certificate: Option<&NewCertificate>) -> Browser {
        let pem = certificate.map(|certificate| certificate.pem.as_str());
        Browser::new(&self.origin(), self.port, &self.manager.authority_pem(), pem, Arc::clone(&self.clock))
    }

    pub async fn certificate(&self, role: CertificateRole) -> NewCertificate {
        self.manager.issue_certificate("Anaïs Le Goff", role).await.unwrap()
    }

    /// A case officer with a bound certificate.
    pub async fn officer(&self) -> (Browser, AccountId) {
        let certificate = self.certificate(CertificateRole::CaseOfficer).await;
        let account = AccountId::random();
        self.bind(&certificate, account, DecisionRole::CaseOfficer).await;
        (self.browser(Some(&certificate)), account)
    }

    pub async fn bind(&self, certificate: &NewCertificate, account: AccountId, role: DecisionRole) {
        let binding = Binding {
            certificate_fingerprint: certificate.fingerprint.clone(),
            account,
            role,
            name: "Anaïs Le Goff".to_owned(),
        };
        self.manager.bind(binding).await.unwrap();
    }

    pub async fn administrator(&self) -> Browser {
        self.browser(Some(&self.certificate(CertificateRole::Administrator).await))
    }

    /// The newest statement of a use that the platform has.
    pub fn statement(&self, key_use: KeyUse) -> KeyStatement {
        let inside = self.platform.lock();
        inside.statements.iter().rev().find(|statement| statement.key_use == key_use).cloned().unwrap()
    }
}

/// That every step of a tick went well.
pub trait AssertWell {
    fn assert_well(self);
}

impl AssertWell for sceau_keymanager::Ticked {
    fn assert_well(self) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
    }
}
