//! Bodies that the keyfront encrypts and decrypts itself, before a real element.

mod an_authorisation_that_ends_stops_a_body;
mod bodies_come_back_as_they_were;
mod contents_are_signed_and_verified_as_a_whole;
mod places_are_left_to_others;
mod what_is_wrong_ends_without_an_end;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Body, Response, StatusCode};
use sceau_accounts::callers::Edge;
use sceau_crypto::cbc::{self, Head};
use sceau_element_api::Kind;
use sceau_element_api::documents::ApplicationDocument;
use sceau_element_api::protect::{AskedOfDatum, Called};
use sceau_protect::{BodyLimits, Keyfront, MIGRATIONS, Rows, serve};
use sceau_store::{Clock, Database, Statement};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::caller::{Caller, Protected, seconds};
use crate::house::by_passkey;

/// Makes an ID token of a user.
type Proving = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A keyfront before an element, and an application.
pub(crate) struct Stage {
    pub(crate) protected: Protected,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<Asked>,
    keyfront: Keyfront,
    database: Database,
    http: reqwest::Client,
    session: Value,
    folder: tempfile::TempDir,
    /// The ID token that a call of this user brings.
    proven: Option<Proving>,
}

/// A clock that a test moves, and that says how often it was asked: once for each judgement.
#[derive(Debug)]
pub(crate) struct Asked {
    now: AtomicU64,
    times: watch::Sender<u64>,
}

impl Clock for Asked {
    fn now_ms(&self) -> u64 {
        self.times.send_modify(|times| *times += 1);
        self.now.load(Ordering::SeqCst)
    }
}

impl Asked {
    pub(crate) fn advance(&self, ms: u64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    /// Waits for a judgement that begins after now. Where there is none for a second, one has come already, and has ended what was judged.
    pub(crate) async fn judged_again(&self) {
        let mut times = self.times.subscribe();
        let begun = *times.borrow_and_update();
        let _ = tokio::time::timeout(Duration::from_secs(1), times.wait_for(|times| *times > begun)).await;
    }
}

pub(crate) fn limits() -> BodyLimits {
    BodyLimits { judged_each: Duration::from_millis(10), ..BodyLimits::default() }
}

/// Octets that repeat where no segment does.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let block: Vec<u8> =
        (0..1_000_003_u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8).collect();
    let mut content = Vec::with_capacity(length);
    while content.len() < length {
        content.extend_from_slice(&block[..block.len().min(length - content.len())]);
    }
    content
}

impl Stage {
    pub(crate) async fn begin(limits: BodyLimits) -> Self {
        let protected = Protected::begin().await;
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
        let clock = Arc::new(Asked { now: AtomicU64::new(seconds() * 1000), times: watch::Sender::new(0) });
        let (element, spool) = (protected.client().clone(), folder.path().to_owned());
        let keyfront =
            Keyfront::new(element, Rows::new(database.clone()), limits, spool, clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(keyfront.clone(), listener, Edge::Clear, std::future::pending()));
        let http = reqwest::Client::new();
        let said = http.get(format!("http://{address}/v1/protect/keyfront")).send().await.unwrap();
        let said: Value = serde_json::from_slice(&said.bytes().await.unwrap()).unwrap();
        let session = said["session"].clone();
        Self { protected, address, clock, keyfront, database, http, session, folder, proven: None }
    }

    /// Where the same keyfront listens behind this edge too.
    pub(crate) async fn behind(&self, edge: Edge) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(self.keyfront.clone(), listener, edge, std::future::pending()));
        address
    }

    /// Another application of the organisation's.
    pub(crate) async fn another(&self) -> Caller {
        let another = Caller::new(self.protected.application.document.organisation);
        let (client, administrator) = (self.protected.client(), &self.protected.administrator);
        by_passkey(client, administrator, &another.document, None).await.unwrap();
        another
    }

    /// The rows that it keeps.
    pub(crate) fn rows(&self) -> Rows {
        Rows::new(self.database.clone())
    }

    /// Whoever administers the database writes.
    pub(crate) async fn write(&self, statement: Statement, values: &[sceau_store::Value]) {
        assert_eq!(self.database.execute(statement, values).await.unwrap(), 1);
    }

    /// The administrator signs the application's next version.
    pub(crate) async fn changed(&mut self, change: impl FnOnce(&mut ApplicationDocument)) {
        let Protected { administrator, application, element, .. } = &mut self.protected;
        let current = element.client.current(Kind::Application, application.document.application).await;
        change(&mut application.document);
        let previous = current.unwrap().map(|row| row.version());
        by_passkey(&element.client, administrator, &application.document, previous).await.unwrap();
    }

    /// A call for the keyfront's session; `body` binds it.
    pub(crate) fn call(&self, user: &str, op: Value, body: Option<&[u8]>) -> String {
        let mut claims = self.protected.application.claims(user, op);
        if let Some(body) = body {
            let hash = sceau_crypto::sha256(body);
            claims["body"] = sceau_element_api::Base64Url(hash.to_vec()).encode().into();
        }
        if let Some(proven) = &self.proven {
            claims["id_token"] = proven(user).into();
        }
        self.protected.application.sign(&claims)
    }

    pub(crate) fn create(&self) -> Value {
        json!({"create": {"session": self.session}})
    }

    /// For a content of the profile `cbc-rs256`.
    pub(crate) fn create_signed(&self) -> Value {
        json!({"create": {"session": self.session, "profile": "cbc-rs256"}})
    }

    /// What opens an envelope, or a content of the other profile.
    pub(crate) fn open(&self, envelope: &[u8]) -> Value {
        if Head::begins(envelope) {
            let length = Head::length(&envelope[..cbc::FIXED]).unwrap();
            let head = Head::parse(&envelope[..length]).unwrap();
            let datum = sceau_element_api::protect::DatumId::from(head.datum);
            let wrapped = sceau_element_api::Base64Url(head.wrapped_key);
            let content = cbc::signature_of(envelope).unwrap();
            return json!({"open": {"datum": datum, "wrapped_key": wrapped, "session": self.session, "content": content}});
        }
        let header = sceau_crypto::envelope::UnverifiedHeader::parse_prefix(envelope).unwrap().0;
        let stanza = &header.stanzas()[0];
        let datum = sceau_element_api::protect::DatumId::from(*stanza.datum().unwrap());
        let wrapped = sceau_element_api::Base64Url(stanza.wrapped.clone());
        json!({"open": {"datum": datum, "wrapped_key": wrapped, "session": self.session}})
    }

    pub(crate) async fn post(&self, path: &str, call: &str, body: impl Into<Body>) -> Response {
        let asked = self.http.post(format!("http://{}/v1/protect/{path}", self.address));
        asked.header("sceau-call", call).body(body).send().await.unwrap()
    }

    /// An envelope of alice's.
    pub(crate) async fn encrypted(&self, body: &[u8]) -> Vec<u8> {
        self.encrypted_by(self.create(), body).await
    }

    /// What comes of a body of alice's by this call.
    pub(crate) async fn encrypted_by(&self, create: Value, body: &[u8]) -> Vec<u8> {
        let answer = self.post("encrypt", &self.call("alice", create, None), body.to_vec()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.bytes().await.unwrap().to_vec()
    }

    /// Files that are in the keyfront's folder, but those of its database.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with("records.db")).collect()
    }

    /// Asks for something else, with the row that the element has.
    pub(crate) async fn ask(&self, user: &str, op: Value) -> Called {
        let call = self.call(user, op, None);
        let claims = sceau_element_api::protect::Claims::unverified(&call).unwrap();
        let client = self.protected.client();
        let kept = client.kept(sceau_element_api::Kind::Datum, claims.op.datum().unwrap()).await.unwrap();
        client.protect(AskedOfDatum { call, address: None, row: kept.map(|kept| kept.1) }).await.unwrap()
    }
}

/// Status and code of a refusal.
pub(crate) async fn refused(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let problem: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

/// What comes until the answer ends, and whether it ended as answers do.
pub(crate) async fn rest_of(mut answer: Response) -> (Vec<u8>, bool) {
    let mut came = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => came.extend_from_slice(&chunk),
            Ok(None) => return (came, true),
            Err(_) => return (came, false),
        }
    }
}
