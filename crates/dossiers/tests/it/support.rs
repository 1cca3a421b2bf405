//! A platform with everything real but the clock and the authenticators.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::{Accounts, AccountsConfig, Directory, Parts};
use sceau_client::{
    ClientError, Deposited, Document, Enrolled, Machine, NewOrganisation, Person, Scheme, Server, Trust,
};
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::{FileId, RecipientKey, RecipientPrivateKey, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_dossiers::{Beside, Dossiers, DraftSpace, Letter, Platform, Posted};
use sceau_element_api::documents::{
    AnswerValue, Decision, DecisionRole, Document as _, KeyStatement, KeySuite, KeyUse, Manifest, Outcome,
    SealedFile,
};
use sceau_element_api::{Base64Url, Kind, Nonce, OrganisationId, Role};
use sceau_store::{
    Clock as _, Database, DeliveryError, ManualClock, Message, Objects, Outbox, RetryPolicy, Statement,
    SystemClock, Value as Datum,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::element::element;

struct NoNames;

impl Directory for NoNames {
    fn organisation_name(&self, _: OrganisationId) -> BoxFuture<'_, Option<String>> {
        async { Some("Métropole".to_owned()) }.boxed()
    }
}

pub struct World {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub dossiers: Dossiers,
    pub database: Database,
    pub outbox: Outbox,
    pub origin: String,
    /// The OpenAPI document, as it is served.
    pub document: Value,
    pub accounts: Accounts,
}

/// An organisation with its software, its people and a scheme.
pub struct Office {
    pub id: OrganisationId,
    pub machine: Machine,
    pub credentials: sceau_client::Credentials,
    pub sign: SigningKey,
    pub root: SigningKey,
    /// The first recipient key.
    pub private: RecipientPrivateKey,
    pub chief: Person,
    pub officer: Person,
    pub supervisor: Person,
    pub scheme: Scheme,
}

fn serve_at(listener: TcpListener, router: axum::Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
}

/// Another platform of the same people, and where it listens.
pub async fn beside(world: &World, dossiers: Dossiers) -> SocketAddr {
    let platform = Platform { dossiers, accounts: world.accounts.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serve_at(listener, sceau_dossiers::api(&platform, "log key", Beside::default()).unwrap());
    address
}

/// An answer to the byte, as a client that is not ours reads it: status, headers in lower case, body.
pub async fn plainly(
    address: SocketAddr,
    method: &str,
    path: &str,
) -> (u16, BTreeMap<String, String>, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    (status, headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(), body.to_owned())
}

impl World {
    /// Where the platform listens.
    pub fn address(&self) -> SocketAddr {
        let port = self.origin.rsplit_once(':').unwrap().1.parse().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    pub async fn new() -> Self {
        Self::with_draft_space(DraftSpace::default()).await
    }

    pub async fn with_draft_space(space: DraftSpace) -> Self {
        let folder = TempDir::new().unwrap();
        let element = element(folder.path());
        let hello = element.hello().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://sceau.localhost:{}", listener.local_addr().unwrap().port());
        let clock = Arc::new(ManualClock::at(SystemClock.now_ms()));
        let migrations =
            [sceau_store::MIGRATIONS, sceau_accounts::MIGRATIONS, sceau_dossiers::MIGRATIONS].concat();
        let database = Database::open(&folder.path().join("records.db"), &migrations).await.unwrap();
        let objects = Objects::folder(&folder.path().join("objects")).unwrap();
        let outbox = Outbox::new(database.clone(), clock.clone(), RetryPolicy::default());
        let dossiers =
            Dossiers::new(database.clone(), objects, outbox.clone(), element.clone(), clock.clone(), &origin)
                .with_draft_space(space);
        let parts = Parts {
            database: database.clone(),
            element: Arc::new(element),
            clock: clock.clone(),
            directory: Arc::new(NoNames),
            config: AccountsConfig::at(&origin),
        };
        let accounts = Accounts::open(parts).await.unwrap();
        let platform = Platform { dossiers: dossiers.clone(), accounts: accounts.clone() };
        let router = sceau_dossiers::api(&platform, &hello.log_key, Beside::default()).unwrap();
        serve_at(listener, router);
        let nobody = Server::new(&origin, &Trust::default()).unwrap();
        let document = nobody.get("/v1/openapi.json").await.unwrap();
        Self { folder, clock, dossiers, database, outbox, origin, document, accounts }
    }

    pub async fn administrator(&self) -> Person {
        let link = self.accounts.first_administrator_link().await.unwrap().unwrap();
        self.accept(&link, "admin@example.org").await
    }

    async fn accept(&self, link: &str, email: &str) -> Person {
        let token = link.rsplit_once('#').unwrap().1;
        Person::register(&self.origin, email, "Someone", Some(token), None).await.unwrap()
    }

    pub async fn citizen(&self, email: &str) -> Person {
        Person::register(&self.origin, email, "Cleo", None, None).await.unwrap()
    }

    pub fn nobody(&self) -> Server {
        Server::new(&self.origin, &Trust::default()).unwrap()
    }

    /// An organisation, all of it.
    pub async fn office(&self, administrator: &Person, name: &str) -> Office {
        let (root, sign) = (SigningKey::generate(), SigningKey::generate());
        let new = NewOrganisation {
            name: name.to_owned(),
            contact_email: format!("{name}@example.org"),
            root_fingerprint: root.verifying_key().fingerprint().to_string(),
        };
        let Enrolled { organisation: id, client } = administrator.enrol_organisation(&new).await.unwrap();
        let machine = Machine::new(&self.origin, &id.to_string(), client.clone(), &Trust::default()).unwrap();
        let private = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
        let recipient = private.recipient_key().clone();
        let signing = sign.verifying_key();
        let statements = [
            (KeyUse::Sign, KeySuite::Ed25519, signing.fingerprint().to_string(), signing.as_bytes().to_vec()),
            (KeyUse::Encrypt, KeySuite::XWing, recipient.key_id().to_string(), recipient.public().to_vec()),
        ];
        for (key_use, suite, key_id, public) in statements {
            let statement = KeyStatement {
                v: 1,
                organisation: id,
                key_use,
                suite,
                key_id: key_id.parse().unwrap(),
                public_key: public.into(),
                not_before: self.clock.now_ms() - 1000,
                not_after: self.clock.now_ms() + 400 * 86_400_000,
                predecessor: None,
                serial: 1,
                key_manager: format!("https://cles-{name}.localhost:8443"),
                root_key: root.verifying_key().as_bytes().to_vec().into(),
                withdraws_predecessor: false,
            };
            let signed = jws::sign(&root, Typ::KeyStatement, &statement.to_bytes().unwrap());
            machine.publish_key(&signed).await.unwrap();
        }
        let chief =
            self.invited(administrator, Role::OrganisationAdmin, Some(id), &format!("chief@{name}")).await;
        let officer = self.invited(&chief, Role::CaseOfficer, None, &format!("officer@{name}")).await;
        let supervisor = self.invited(&chief, Role::Supervisor, None, &format!("supervisor@{name}")).await;
        let scheme = chief.publish_scheme(&form()).await.unwrap();
        Office { id, machine, credentials: client, sign, root, private, chief, officer, supervisor, scheme }
    }

    pub async fn invited(
        &self,
        by: &Person,
        role: Role,
        organisation: Option<OrganisationId>,
        email: &str,
    ) -> Person {
        let (link, _) = by.invite(role, organisation, &format!("{email}.example.org")).await.unwrap();
        self.accept(&link, &format!("{email}.example.org")).await
    }

    pub fn clock_now(&self) -> u64 {
        self.clock.now_ms()
    }

    pub async fn count(&self, sql: &'static str, values: &[Datum]) -> u64 {
        self.database.fetch_one(Statement::new("COUNT", sql), values).await.unwrap().get("n").unwrap()
    }

    /// Delivers what waits in the outbox; says to whom each letter went.
    pub async fn letters(&self) -> Vec<Letter> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let handler = move |message: Message| {
            let kept = Arc::clone(&kept);
            async move {
                let posted: Posted = message.parse()?;
                kept.lock().await.push(posted.letter);
                Ok::<(), DeliveryError>(())
            }
        };
        self.outbox.dispatcher().on(sceau_dossiers::LETTERS, handler).deliver_due().await.unwrap();
        seen.lock().await.clone()
    }

    /// How many objects lie in the folder.
    pub fn objects(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
            entries
                .map(|entry| if entry.file_type().unwrap().is_dir() { count(&entry.path()) } else { 1 })
                .sum()
        }
        count(&self.folder.path().join("objects"))
    }
}

impl Office {
    pub async fn deposit(&self, citizen: &Person, now: u64) -> Deposited {
        let answers = BTreeMap::from([("price".to_owned(), AnswerValue::Number(12.into()))]);
        let document =
            Document { name: "a.pdf".into(), media_type: "application/pdf".into(), content: vec![7; 1000] };
        citizen.deposit(&self.scheme, &answers, &[document], now, &mut |_| {}).await.unwrap()
    }

    /// A decision that its key manager signs.
    pub fn decision(&self, deposited: &Deposited, decision: Outcome, reason: &str, time: u64) -> String {
        let decision = Decision {
            v: 1,
            dossier: deposited.dossier,
            organisation: self.id,
            manifest_hash: Manifest::parse(&deposited.manifest).unwrap().hash,
            decision,
            reason: reason.to_owned(),
            decided_by: self.officer.account.parse().unwrap(),
            connector: None,
            role: DecisionRole::CaseOfficer,
            time,
        };
        jws::sign(&self.sign, Typ::Decision, &decision.to_bytes().unwrap())
    }
}

/// A dossier that was begun, to send files to one by one.
pub struct Draft {
    pub id: String,
    key: RecipientKey,
}

impl Draft {
    pub async fn begin(citizen: &Person, office: &Office, now: u64) -> Self {
        let begun: Value =
            citizen.server().post("/v1/dossiers", &json!({"scheme": office.scheme.id})).await.unwrap();
        Self::of(citizen, office, begun["id"].as_str().unwrap(), &begun["recipient"], now)
    }

    /// One that was begun before, for the key that it was begun with.
    pub async fn again(citizen: &Person, office: &Office, id: &str, now: u64) -> Self {
        let organisation: Value =
            citizen.server().get(&format!("/v1/organisations/{}", office.id)).await.unwrap();
        Self::of(citizen, office, id, &organisation["current_key"], now)
    }

    fn of(citizen: &Person, office: &Office, id: &str, key: &Value, now: u64) -> Self {
        let offered: sceau_client::trust::OfferedKey = serde_json::from_value(key.clone()).unwrap();
        let key = offered.verify(office.id, citizen.log_key(), now).unwrap().key;
        Self { id: id.to_owned(), key }
    }

    pub fn path(&self) -> String {
        format!("/v1/dossiers/{}", self.id)
    }

    /// Seals a file of one part and sends it.
    pub async fn send(&self, citizen: &Person, content: &[u8]) -> Result<SealedFile, ClientError> {
        let file_id = FileId::of_dossier(&self.id);
        let metadata = Metadata::new("a.pdf", "application/pdf").unwrap();
        let key = std::slice::from_ref(&self.key);
        let mut envelope = NewEnvelope::create_for_file(file_id, metadata, key).unwrap();
        let part = envelope.sealer.seal_part(content, true).unwrap();
        let mut hasher = envelope.header.hasher();
        hasher.part(&part);
        let path = format!("{}/files/{file_id}", self.path());
        for (what, bytes) in [("header", envelope.header.as_bytes().to_vec()), ("parts/0", part)] {
            let digest = sceau_crypto::sha256(&bytes);
            citizen.server().put_bytes(&format!("{path}/{what}"), bytes, &digest).await?;
        }
        let envelope_hash = (*hasher.finish().as_bytes()).into();
        Ok(SealedFile { file_id, envelope_hash, size: content.len() as u64, parts: 1 })
    }
}

/// Signs a manifest and submits it.
pub async fn submit(citizen: &Person, manifest: &Manifest) -> Result<Value, ClientError> {
    let payload = manifest.to_bytes().unwrap();
    let path = format!("/v1/dossiers/{}", manifest.dossier);
    let prepared: BTreeMap<String, Nonce> =
        citizen.server().post(&format!("{path}/manifest/prepare"), &json!({})).await?;
    let proof = citizen.prove(Kind::Manifest, &payload, prepared["nonce"])?;
    let body = json!({"manifest": Base64Url(payload), "proof": proof});
    citizen.server().post(&format!("{path}/submit"), &body).await
}

/// A small scheme with one question and one document.
pub fn form() -> Value {
    let text = |text: &str| json!({"fr": text, "en": text});
    json!({
        "title": text("Aide"), "description": text("Une aide."),
        "form": [{"name": "price", "label": text("Prix"), "kind": "number", "required": true, "sensitive": false}],
        "documents": [{"name": "identity", "label": text("Pièce"), "required": true}],
    })
}

/// Status and code of an answer; 200 stands for any success.
pub fn told<T>(answer: &Result<T, ClientError>) -> (u16, &str) {
    match answer {
        Ok(_) => (200, ""),
        Err(ClientError::Refused { status, code, .. }) => (*status, code),
        Err(other) => panic!("{other}"),
    }
}
