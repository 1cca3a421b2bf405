//! An organisation's premises: its key manager, a process of its own, and the certificates of its people.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_client::{NewOrganisation, Person, Server, Trust};
use sceau_element_api::documents::DecisionRole;
use sceau_element_api::{OrganisationId, Role};
use sceau_hsm::{Passphrase, Unlock};
use sceau_keymanager::{Binding, Connection, KeyManager, NewCertificate, Settings, Setup};
use sceau_pki::CertificateRole;
use sceau_store::SystemClock;
use serde_json::{Value, json};

use crate::program::Program;
use crate::scratch::free_port;
use crate::stepped::Steps;
use crate::{House, Running, SmallDisk};

/// The organisation's people on the platform.
#[derive(Debug)]
pub struct Staff {
    /// Its administrator.
    pub chief: Person,
    /// Its case officer.
    pub officer: Person,
}

/// Made in the house's scratch folder, connected to its platform.
#[derive(Debug)]
pub struct Premises {
    /// The key manager.
    pub key_manager: Option<Running>,
    /// The organisation.
    pub organisation: OrganisationId,
    /// What the organisation decides, for the key manager's next start.
    pub policy: Option<PathBuf>,
    /// Where its folder is, if that is on a disk of its own.
    pub disk: Option<SmallDisk>,
    folder: PathBuf,
    passphrase: PathBuf,
    port: u16,
    authority: Vec<u8>,
    officer_pem: Vec<u8>,
    administrator_pem: Vec<u8>,
    connector_pem: Vec<u8>,
    supervisor_pem: Vec<u8>,
    supervisor_fingerprint: String,
    connector_fingerprint: String,
}

impl Premises {
    /// Makes a key manager, enrols its organisation, invites its people, binds the case officer's certificate, and publishes the first keys. The
    /// process is not started yet.
    pub async fn found(house: &House, administrator: &Person, name: &str) -> (Self, Staff) {
        let port = free_port();
        let folder = house.scratch.join(&format!("keymanager-{port}"));
        let passphrase = house.scratch.write("keymanager.passphrase", "another passphrase for one test only");
        let address = format!("https://cles.localhost:{port}");
        let setup = Setup { organisation_name: name.to_owned(), address };
        let unlock = Unlock::Passphrase(Passphrase::from_file(&passphrase).expect("our own passphrase"));
        let manager =
            KeyManager::init(&folder, &setup, &unlock, Settings::default(), Arc::new(SystemClock)).await;
        let manager = manager.expect("an empty folder");
        let new = NewOrganisation {
            name: name.to_owned(),
            contact_email: "contact@example.org".to_owned(),
            root_fingerprint: manager.root_fingerprint().to_string(),
        };
        let enrolled = administrator.enrol_organisation(&new).await.expect("the administrator may");
        let organisation = enrolled.organisation;
        let connection = Connection {
            platform: house.origin.clone(),
            organisation,
            credentials: enrolled.client,
            log_key: administrator.log_key().clone(),
            anchors_pem: None,
        };
        manager.connect(&connection).await.expect("the root is enrolled");
        let (chief, officer) = house.staff(administrator, organisation).await;
        let officer_role = CertificateRole::CaseOfficer;
        let roles = [officer_role, CertificateRole::Administrator, CertificateRole::Connector, officer_role];
        let [held, chief_held, machine, supervisor] = certificates(&manager, roles).await;
        let binding = Binding {
            certificate_fingerprint: held.fingerprint,
            account: officer.account.parse().expect("an account id"),
            role: DecisionRole::CaseOfficer,
            name: "Anne Agent".to_owned(),
        };
        manager.bind(binding).await.expect("a good binding");
        let ticked = manager.tick().await;
        assert!(ticked.failures.is_empty(), "{ticked:?}");
        let authority = manager.authority_pem().into_bytes();
        let premises = Self {
            key_manager: None,
            organisation,
            policy: None,
            disk: None,
            folder,
            passphrase,
            port,
            authority,
            officer_pem: held.pem.as_bytes().to_vec(),
            administrator_pem: chief_held.pem.as_bytes().to_vec(),
            connector_pem: machine.pem.as_bytes().to_vec(),
            connector_fingerprint: machine.fingerprint,
            supervisor_pem: supervisor.pem.as_bytes().to_vec(),
            supervisor_fingerprint: supervisor.fingerprint,
        };
        (premises, Staff { chief, officer })
    }

    /// Moves the key manager's folder to a disk of so many mebibytes that can be filled, for its next start.
    pub fn move_to_small_disk(&mut self, house: &House, mib: u32) {
        let before = self.folder.with_extension("before");
        std::fs::rename(&self.folder, &before).expect("the key manager does not run");
        let disk = SmallDisk::mount(&self.folder, mib, house.scratch.path());
        Program::other("cp").arg("-a").arg(before.join(".")).arg(disk.folder()).run().success();
        self.disk = Some(disk);
    }

    /// Starts the key manager on its data.
    pub fn start_key_manager(&mut self, house: &House) {
        let program = house.clocked("keymanager", self.program());
        self.key_manager = Some(program.start(house.scratch.path()));
    }

    /// The same, so that it can be held at what it makes durable.
    pub fn start_key_manager_stepped(&mut self, house: &House) -> Steps {
        let steps = Steps::default();
        let running = self.program().start_stepped(house.scratch.path(), &steps);
        self.key_manager = Some(running);
        steps
    }

    /// Invites a supervisor, whose certificate the running key manager binds.
    pub async fn employ_supervisor(&self, house: &House, chief: &Person) -> Person {
        let email = format!("superviseuse@{}.example.org", self.organisation);
        let invite = chief.invite(Role::Supervisor, None, &email).await;
        let (link, _) = invite.expect("an organisation administrator may");
        let supervisor = house.accept(&link, &email, "Sylvie Superviseuse").await;
        let binding = json!({
            "certificate_fingerprint": self.supervisor_fingerprint, "account": supervisor.account,
            "role": "supervisor", "name": "Sylvie Superviseuse",
        });
        let bound: Result<Value, _> = self.administration().post("/v1/bindings", &binding).await;
        bound.expect("a good binding");
        supervisor
    }

    fn program(&self) -> Program {
        let program = Program::ours("sceau")
            .named("keymanager")
            .args(["serve", "keymanager", "--data"])
            .arg(&self.folder)
            .arg("--passphrase-file")
            .arg(&self.passphrase)
            .args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        let program = match &self.policy {
            Some(policy) => program.arg("--policy").arg(policy),
            None => program,
        };
        match &self.disk {
            Some(disk) => disk.within(&program),
            None => program,
        }
    }

    /// Where the key manager keeps everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file with its passphrase.
    pub fn passphrase(&self) -> &Path {
        &self.passphrase
    }

    /// What a case officer's browser trusts and shows.
    pub fn officer_trust(&self) -> Trust {
        self.trust(&self.officer_pem)
    }

    /// What a supervisor's browser trusts and shows.
    pub fn supervisor_trust(&self) -> Trust {
        self.trust(&self.supervisor_pem)
    }

    /// The certificate of the key manager's administrator, with its key.
    pub fn administrator_certificate(&self) -> &[u8] {
        &self.administrator_pem
    }

    /// The key manager, as the page of its administrator calls it.
    pub fn administration(&self) -> Server {
        Server::new(&self.address(), &self.trust(&self.administrator_pem)).expect("a good address")
    }

    /// Whether the key manager has compared the platform's log since its start, and the platform has every record of it.
    pub async fn is_settled(&self) -> bool {
        let administration = self.administration();
        let checks = administration.check().await.expect("it runs");
        let compared = checks.get("log").is_some_and(|log| log == "pass");
        let status: serde_json::Value =
            administration.get("/v1/status").await.expect("its administrator may");
        compared && status["pending_records"] == 0
    }

    /// Web origin of the key manager.
    pub fn address(&self) -> String {
        format!("https://cles.localhost:{}", self.port)
    }

    /// The certificate of the organisation's connector, with its key, and its fingerprint.
    pub fn connector(&self) -> (&[u8], &str) {
        (&self.connector_pem, &self.connector_fingerprint)
    }

    /// Who issued the certificates of this key manager and of its people.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    fn trust(&self, identity: &[u8]) -> Trust {
        Trust { anchors_pem: Some(self.authority.clone()), identity_pem: Some(identity.to_vec()) }
    }

    /// The files of the key manager's database.
    pub fn database_files(&self) -> [PathBuf; 2] {
        ["keymanager.db", "keymanager.db-wal"].map(|name| self.folder.join(name))
    }
}

async fn certificates(manager: &KeyManager, roles: [CertificateRole; 4]) -> [NewCertificate; 4] {
    let mut issued = Vec::new();
    for role in roles {
        issued.push(manager.issue_certificate("Anne Agent", role).await.expect("a good name"));
    }
    issued.try_into().expect("one for each role")
}
