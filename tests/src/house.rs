//! The element and the platform, started for one test as `sceau up` starts them, and the people of a test.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_client::{Enrolled, Machine, NewOrganisation, Person, Scheme, Trust};
use sceau_crypto::{RecipientPrivateKey, RecipientSuite, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_element_api::documents::{Document as _, KeyStatement, KeySuite, KeyUse};
use sceau_element_api::{OrganisationId, Role};
use sceau_store::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Door, Gate, Kind, Program, Running, Scratch, Servers, SmallDisk};

/// The platform and its element. Everything is kept in the scratch folder, so that a role can be ended and started again.
#[derive(Debug)]
pub struct House {
    /// The folder.
    pub scratch: Scratch,
    /// The privileged process.
    pub element: Option<Running>,
    /// The platform.
    pub platform: Option<Running>,
    /// Web origin of the platform.
    pub origin: String,
    /// The socket at which the platform calls the element, where it is not the element's own.
    pub door: Option<PathBuf>,
    /// What it stands on.
    pub servers: Box<Servers>,
    /// Where element and platform are started, where one of their folders is on a disk of its own.
    pub disk: Option<Box<SmallDisk>>,
    /// More arguments for the platform.
    pub more: Vec<String>,
    /// By how many seconds the clock of a role's machine is off, for its next start: `element`, `platform`, `keymanager`, `connector`, `intake`.
    pub clocks: BTreeMap<&'static str, i64>,
    port: u16,
}

/// An organisation whose own software holds its keys: what a key manager is, without one.
pub struct Organisation {
    /// Its id and client credentials.
    pub enrolled: Enrolled,
    /// Its root.
    pub root: SigningKey,
    /// Its key for decisions and records.
    pub sign: SigningKey,
    /// Its recipient key.
    pub recipient: RecipientPrivateKey,
    /// Its link to the platform.
    pub machine: Machine,
}

impl std::fmt::Debug for Organisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Organisation({})", self.enrolled.organisation)
    }
}

impl House {
    /// Starts both in a fresh folder.
    pub fn start(name: &str) -> Self {
        let port = crate::free_port();
        Self::start_at(name, port, format!("http://sceau.localhost:{port}"))
    }

    /// Starts both behind something that listens at another port, which is the platform's origin for everybody.
    pub fn start_behind(name: &str, public_port: u16) -> Self {
        Self::start_at(name, crate::free_port(), format!("http://sceau.localhost:{public_port}"))
    }

    /// Starts both with a door between them, and a gate before the platform.
    pub async fn start_guarded(name: &str) -> (Self, Door, Gate) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let public = listener.local_addr().expect("a bound socket has an address").port();
        let mut house = Self::empty(name, crate::free_port(), format!("http://sceau.localhost:{public}"));
        house.start_element();
        let path = house.scratch.join("run").join("door.sock");
        let door = Door::open(&path, house.socket());
        house.door = Some(path);
        house.start_platform();
        let gate = Gate::open(listener, house.port);
        (house, door, gate)
    }

    /// Starts both, the platform on a PostgreSQL server of its own, behind something that listens at another port.
    pub fn start_on_postgresql(name: &str, public_port: u16) -> Self {
        let origin = format!("http://sceau.localhost:{public_port}");
        let mut house = Self::prepared(name, origin, &[Kind::Postgresql]);
        house.more = ["--trusted-proxy", "127.0.0.1"].map(str::to_owned).to_vec();
        Self::raised(house)
    }

    /// Starts both, the platform on real servers for everything that it keeps.
    pub fn start_on_servers(name: &str) -> Self {
        let port = crate::free_port();
        Self::raised(Self::empty_on(name, port, format!("http://sceau.localhost:{port}"), &Kind::ALL))
    }

    fn prepared(name: &str, origin: String, kinds: &[Kind]) -> Self {
        let mut kinds = kinds.to_vec();
        kinds.extend(Kind::asked().into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
        Self::empty_on(name, crate::free_port(), origin, &kinds)
    }

    /// Starts both, the folder of one of them (`element`, `platform`) on a disk of so many mebibytes that can be filled.
    pub fn start_on_small_disk(name: &str, folder: &str, mib: u32) -> Self {
        let port = crate::free_port();
        let mut house = Self::empty_on(name, port, format!("http://sceau.localhost:{port}"), &[]);
        let disk = SmallDisk::mount(&house.scratch.join(folder), mib, house.scratch.path());
        house.disk = Some(Box::new(disk));
        Self::raised(house)
    }

    fn placed(&self, role: &str, program: Program) -> Program {
        let program = self.clocked(role, program);
        match &self.disk {
            Some(disk) => disk.within(&program),
            None => program,
        }
    }

    /// The program of a role on its machine, whose clock may be off.
    pub(crate) fn clocked(&self, role: &str, program: Program) -> Program {
        match self.clocks.get(role) {
            Some(seconds) => program.off_by(*seconds),
            None => program,
        }
    }

    fn raised(mut house: Self) -> Self {
        house.start_element();
        house.start_platform();
        house
    }

    fn start_at(name: &str, port: u16, origin: String) -> Self {
        Self::raised(Self::empty(name, port, origin))
    }

    fn empty(name: &str, port: u16, origin: String) -> Self {
        Self::empty_on(name, port, origin, &Kind::asked())
    }

    fn empty_on(name: &str, port: u16, origin: String, kinds: &[Kind]) -> Self {
        let scratch = Scratch::new(name);
        scratch.write("passphrase", "a passphrase for one test only");
        let servers = Box::new(Servers::start(&scratch, kinds));
        Self {
            scratch,
            element: None,
            platform: None,
            origin,
            door: None,
            servers,
            disk: None,
            more: Vec::new(),
            clocks: BTreeMap::new(),
            port,
        }
    }

    /// Opens the database of the platform, whether that runs or not.
    pub async fn database(&self) -> Database {
        let migrations = [
            sceau_store::MIGRATIONS,
            sceau_accounts::MIGRATIONS,
            sceau_dossiers::MIGRATIONS,
            sceau_protect::MIGRATIONS,
            sceau_keyrings::MIGRATIONS,
        ]
        .concat();
        let opened = match self.servers.postgres() {
            Some(postgres) => Database::connect(&postgres, &migrations).await,
            None => Database::open(&self.scratch.join("platform").join("records.db"), &migrations).await,
        };
        opened.expect("the platform's own database")
    }

    /// Starts the element on its state.
    pub fn start_element(&mut self) {
        let started = Program::ours("sceau-element")
            .args(["--state".into(), self.scratch.join("element"), "--socket".into(), self.socket()])
            .args(["--origin", "test.sceau.localhost/log", "--keystore-passphrase-file"])
            .arg(self.scratch.join("passphrase"));
        self.element = Some(self.placed("element", started).start(self.scratch.path()));
    }

    /// Starts the platform on its data.
    pub fn start_platform(&mut self) {
        self.platform = Some(self.another_platform("sceau", self.port));
    }

    /// Starts a process of the platform that listens at `port`; several share the data where a server keeps the database.
    pub fn another_platform(&self, name: &str, port: u16) -> Running {
        self.another_platform_with(name, port, &[])
    }

    /// The same with more arguments.
    pub fn another_platform_with(&self, name: &str, port: u16, more: &[&str]) -> Running {
        let mut program = Program::ours("sceau")
            .named(name)
            .args(["serve", "platform", "--data"])
            .arg(self.scratch.join("platform"))
            .arg("--element")
            .arg(self.door.clone().unwrap_or_else(|| self.socket()))
            .args(["--listen", &format!("127.0.0.1:{port}"), "--origin", &self.origin])
            .args(&self.more)
            .args(more);
        if !self.servers.are_none() {
            program = program.arg("--config").arg(self.scratch.join("platform.toml"));
        }
        self.placed("platform", program).start(self.scratch.path())
    }

    /// The port of the platform itself.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the platform itself listens.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The element's socket.
    pub fn socket(&self) -> PathBuf {
        self.scratch.join("run").join("element.sock")
    }

    /// The first administrator, with a passkey.
    pub async fn administrator(&self) -> Person {
        let platform = self.platform.as_ref().expect("the platform runs");
        let link = platform.said("/first_administrator").to_owned();
        self.accept(&link, "admin@example.org", "Ada Admin").await
    }

    /// Accepts an invitation.
    pub async fn accept(&self, link: &str, email: &str, name: &str) -> Person {
        let token = link.rsplit_once('#').map(|(_, token)| token).expect("an invitation link");
        Person::register(&self.origin, email, name, Some(token), None).await.expect("the invitation is good")
    }

    /// A citizen, with a passkey.
    pub async fn citizen(&self, email: &str) -> Person {
        Person::register(&self.origin, email, "Cleo Citoyenne", None, None)
            .await
            .expect("anybody may register")
    }

    /// Enrols an organisation and publishes its keys.
    pub async fn organisation(&self, administrator: &Person, name: &str) -> Organisation {
        let root = SigningKey::generate();
        let new = NewOrganisation {
            name: name.to_owned(),
            contact_email: "contact@example.org".to_owned(),
            root_fingerprint: root.verifying_key().fingerprint().to_string(),
        };
        let enrolled = administrator.enrol_organisation(&new).await.expect("the administrator may");
        let id = enrolled.organisation.to_string();
        let machine = Machine::new(&self.origin, &id, enrolled.client.clone(), &Trust::default());
        let organisation = Organisation {
            enrolled,
            root,
            sign: SigningKey::generate(),
            recipient: RecipientPrivateKey::XWing(XWingPrivateKey::generate().expect("randomness")),
            machine: machine.expect("a good address"),
        };
        for jws in [organisation.sign_statement(), organisation.encrypt_statement()] {
            organisation.machine.publish_key(&jws).await.expect("the root signed it");
        }
        organisation
    }

    /// A case officer of the organisation, invited by a fresh administrator of it.
    pub async fn staff(&self, administrator: &Person, id: OrganisationId) -> (Person, Person) {
        let [chief, officer] = ["chef", "agent"].map(|name| format!("{name}@{id}.example.org"));
        let invite = administrator.invite(Role::OrganisationAdmin, Some(id), &chief).await;
        let (link, _) = invite.expect("a platform administrator may");
        let chief = self.accept(&link, &chief, "Charles Chef").await;
        let invite = chief.invite(Role::CaseOfficer, None, &officer).await;
        let (link, _) = invite.expect("an organisation administrator may");
        let officer = self.accept(&link, &officer, "Anne Agent").await;
        (chief, officer)
    }
}

impl Organisation {
    /// The statement of its signing key.
    pub fn sign_statement(&self) -> String {
        let key = self.sign.verifying_key();
        let id = key.fingerprint().to_string().parse().expect("32 bytes in hexadecimal");
        self.statement(KeyUse::Sign, KeySuite::Ed25519, id, key.as_bytes())
    }

    /// The statement of its recipient key.
    pub fn encrypt_statement(&self) -> String {
        let key = self.recipient.recipient_key();
        let suite = match key.suite() {
            RecipientSuite::HpkeXWing => KeySuite::XWing,
            _ => KeySuite::RsaOaep256,
        };
        self.statement(KeyUse::Encrypt, suite, key.key_id(), key.public())
    }

    /// A first statement of a key, signed by the root.
    pub fn statement(
        &self,
        key_use: KeyUse,
        suite: KeySuite,
        key_id: sceau_crypto::KeyId,
        public: &[u8],
    ) -> String {
        let statement = KeyStatement {
            v: 1,
            organisation: self.enrolled.organisation,
            key_use,
            suite,
            key_id,
            public_key: public.to_vec().into(),
            // As early as a key manager lets them begin, for clocks that are behind.
            not_before: now_ms() - 300_000,
            not_after: now_ms() + 86_400_000,
            predecessor: None,
            serial: 1,
            key_manager: "https://cles.localhost:8443".to_owned(),
            root_key: self.root.verifying_key().as_bytes().to_vec().into(),
            withdraws_predecessor: false,
        };
        jws::sign(&self.root, Typ::KeyStatement, &statement.to_bytes().expect("a good statement"))
    }
}

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("a clock of this age of the world")
}

/// A small scheme: one public and one sensitive question, one document.
pub fn scheme_form() -> Value {
    let text = |text: &str| json!({"fr": text, "en": text});
    json!({
        "title": text("Aide au vélo"), "description": text("Une aide."),
        "form": [
            {"name": "price", "label": text("Prix"), "kind": "number", "required": true, "sensitive": false},
            {"name": "income", "label": text("Revenu"), "kind": "number", "required": true, "sensitive": true},
        ],
        "documents": [{"name": "identity", "label": text("Pièce d’identité"), "required": true}],
    })
}

/// Publishes the small scheme.
pub async fn publish_scheme(chief: &Person) -> Scheme {
    chief.publish_scheme(&scheme_form()).await.expect("an organisation administrator may")
}
