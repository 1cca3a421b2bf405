//! A platform as the key manager sees it: a log with real proofs, and the few calls it makes. It can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use sceau_crypto::{Fingerprint, SigningKey, Typ, VerifyingKey, jws};
use sceau_element_api::OrganisationId;
use sceau_element_api::documents::{Decision, Document as _, KeyStatement, KeyUse, Manifest};
use sceau_trace::{
    Action, Actor, ActorKind, Asserted, Attested, Checkpoint, Evidence, Hash, KeyKind, LogTree, Outcome,
    Record, RecordBuilder, VerifiedCheckpoint, VerifierKey, consistency_proof, inclusion_proof, leaf_hash,
    sha256,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{headers, reads};

/// A log with a key of its own.
pub struct TestLog {
    key: SigningKey,
    pub vkey: VerifierKey,
    tree: LogTree,
    pub entries: Vec<Vec<u8>>,
}

impl TestLog {
    pub fn new() -> Self {
        let key = SigningKey::generate();
        let vkey =
            VerifierKey::new("sceau.test/trace", KeyKind::Ed25519, *key.verifying_key().as_bytes()).unwrap();
        Self { key, vkey, tree: LogTree::new(), entries: Vec::new() }
    }

    pub fn append(&mut self, record: &Record) -> u64 {
        self.entries.push(record.to_bytes());
        self.tree.append(leaf_hash(&record.to_bytes()))
    }

    /// Puts another record in the place of one.
    pub fn rewrite(&mut self, index: usize) {
        self.entries[index] = b"rewritten".to_vec();
        self.tree = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
    }

    pub fn checkpoint(&self) -> VerifiedCheckpoint {
        self.checkpoint_of(&self.tree)
    }

    fn checkpoint_of(&self, tree: &LogTree) -> VerifiedCheckpoint {
        let checkpoint = Checkpoint::new(self.vkey.name(), tree.size(), tree.root()).unwrap();
        let signature = self.key.sign(checkpoint.to_text().as_bytes());
        checkpoint.with_signature(&self.vkey, signature).unwrap()
    }

    /// As it was when it had so many entries.
    pub fn as_of(&self, size: usize) -> VerifiedCheckpoint {
        self.checkpoint_of(&self.entries[..size].iter().map(|entry| leaf_hash(entry)).collect())
    }

    /// Loses its last entry.
    pub fn forget_last(&mut self) {
        self.entries.pop();
        self.tree = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
    }

    pub fn evidence(&self, index: u64) -> Value {
        let checkpoint = self.checkpoint();
        let proof = inclusion_proof(checkpoint.size(), index, &self.tree).unwrap();
        let entry = &self.entries[usize::try_from(index).unwrap()];
        let evidence = Evidence::build(entry, index, proof, &checkpoint, &self.vkey).unwrap();
        serde_json::from_slice(&evidence.to_bytes()).unwrap()
    }

    /// Attests `payload` as the row `id` of `kind`, and gives the evidence.
    pub fn attest(&mut self, kind: &str, id: &str, payload: &[u8], asserted: Asserted) -> (u64, Value) {
        self.attest_next(kind, id, payload, asserted, None, |record| record)
    }

    /// In the place of a `previous` one, with what else the record says.
    pub fn attest_next(
        &mut self,
        kind: &str,
        id: &str,
        payload: &[u8],
        asserted: Asserted,
        previous: Option<Hash>,
        more: impl FnOnce(RecordBuilder) -> RecordBuilder,
    ) -> (u64, Value) {
        let actor = Actor::new(ActorKind::Citizen, "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11");
        let attested = Attested {
            hash: sha256(payload),
            id: id.to_owned(),
            kind: kind.to_owned(),
            previous,
            version: if previous.is_some() { 2 } else { 1 },
        };
        let record =
            Record::builder(super::START, actor, asserted, Action::ATTEST).granted().attested(attested);
        let index = self.append(&more(record).build().unwrap());
        (index, self.evidence(index))
    }

    /// Attests a manifest as the element does after the depositor's passkey.
    pub fn attest_manifest(
        &mut self,
        manifest: &Manifest,
        payload: &[u8],
        previous: Option<Hash>,
    ) -> (u64, Value) {
        let id = manifest.dossier.to_string();
        self.attest_next("manifest", &id, payload, Asserted::Passkey, previous, |record| {
            record.organisation(manifest.organisation.to_string()).detail("key", manifest.key_id.to_string())
        })
    }

    /// Enrols another root for the organisation, as the element does after the platform administrator's passkey.
    pub fn enrol(&mut self, organisation: OrganisationId, root: &Fingerprint) -> u64 {
        let (id, root) = (organisation.to_string(), root.to_string());
        let before = Some(sha256(b"the enrolment before"));
        self.attest_next("organisation", &id, root.as_bytes(), Asserted::Passkey, before, |record| {
            record.organisation(id.clone()).detail("root", root.clone())
        })
        .0
    }

    /// Attests a decision as the element does after the organisation's signature.
    pub fn attest_decision(&mut self, decision: &Decision, payload: &[u8]) -> u64 {
        let id = decision.dossier.to_string();
        let more = |record: RecordBuilder| {
            record
                .organisation(decision.organisation.to_string())
                .detail("decision", decision.decision.as_str())
                .detail("manifest", decision.manifest_hash.to_string())
        };
        self.attest_next("decision", &id, payload, Asserted::Organisation, None, more).0
    }

    /// Takes a key manager's record in as the element does.
    pub fn take_in(&mut self, organisation: &str, signed: &Record) -> u64 {
        let action = signed.action().clone();
        let taken = Record::builder(super::START, signed.actor().clone(), Asserted::Organisation, action);
        let mut taken = match signed.outcome() {
            Outcome::Intent => taken,
            _ => taken.granted(),
        };
        for (name, value) in signed.detail() {
            taken = taken.detail(name.clone(), value.clone());
        }
        let taken =
            taken.organisation(organisation).detail("signed_hash", sha256(&signed.to_bytes()).to_string());
        self.append(&taken.build().unwrap())
    }
}

/// How a platform may misbehave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bad {
    /// It does not answer.
    Away,
    /// It acknowledges keys from a log of its own making.
    OtherLog,
    /// A proxy answers in its place.
    Proxied,
    /// It shows no headers.
    NoHeaders,
    /// It exchanges headers, and its answer is lost.
    LosesAnswers,
    /// It never ends an answer with a part.
    KeepsParts,
    /// It takes no record.
    RefusesRecords,
    /// It says that it took a record, and drops it.
    DropsRecords,
    /// It says that a decision was taken before.
    AlreadyDecided,
    /// It shows its log as it was at this size.
    ShowsOld(usize),
    /// Its log forgets its last record.
    ForgetsLast,
    /// It serves other records than its checkpoint covers.
    ServesOthers,
    /// It serves, in the place of another record, one that enrols this root.
    ServesEnrolment(Fingerprint),
}

pub struct Inside {
    pub root: Option<Fingerprint>,
    pub log: TestLog,
    pub other_log: TestLog,
    pub bad: Option<Bad>,
    pub statements: Vec<KeyStatement>,
    pub records: Vec<Record>,
    pub decisions: Vec<Value>,
    pub in_use: Vec<(String, String)>,
    /// Dossiers as they are sealed, by id.
    pub sealed: HashMap<String, Value>,
    /// The parts of files, by file and number.
    pub parts: HashMap<(String, usize), Vec<u8>>,
}

#[derive(Clone)]
pub struct FakePlatform {
    pub origin: String,
    inside: Arc<Mutex<Inside>>,
}

impl FakePlatform {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let inside = Inside {
            root: None,
            log: TestLog::new(),
            other_log: TestLog::new(),
            bad: None,
            statements: Vec::new(),
            records: Vec::new(),
            decisions: Vec::new(),
            in_use: Vec::new(),
            sealed: HashMap::new(),
            parts: HashMap::new(),
        };
        let platform = Self { origin, inside: Arc::new(Mutex::new(inside)) };
        let router = Router::new()
            .route("/v1/organisations/{id}", get(organisation_view))
            .route("/v1/oauth/token", post(token))
            .route("/v1/organisations/{id}/key-statements", put(publish))
            .route("/v1/organisations/{id}/records", post(records))
            .route("/v1/organisations/{id}/decisions", post(decisions))
            .route("/v1/organisations/{id}/open-dossiers", get(reads::in_use))
            .route("/v1/reading/{dossier}/files/{file}/parts/{index}", get(reads::part))
            .route(
                "/v1/organisations/{id}/dossiers/{dossier}/headers",
                get(headers::sealed).put(headers::exchange),
            )
            .route("/trace/checkpoint", get(reads::checkpoint))
            .route("/v1/trace/consistency", get(consistency))
            .route("/v1/trace/records", get(reads::entries))
            .with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        platform
    }

    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub fn misbehave(&self, how: impl Into<Option<Bad>>) {
        self.lock().bad = how.into();
    }

    pub fn log_key(&self) -> VerifierKey {
        self.lock().log.vkey.clone()
    }

    /// Attests a manifest as the element does after the depositor's passkey.
    pub fn attest_manifest(&self, manifest: &Manifest, payload: &[u8]) -> Value {
        self.lock().log.attest_manifest(manifest, payload, None).1
    }
}

impl Inside {
    pub fn signer(&self) -> Option<VerifyingKey> {
        self.statements.iter().rev().find(|s| s.key_use == KeyUse::Sign).and_then(KeyStatement::signing_key)
    }

    pub fn is(&self, bad: Bad) -> bool {
        self.bad == Some(bad)
    }
}

pub fn problem(status: u16, code: &str) -> Response {
    let body =
        json!({"type": "about:blank", "title": code, "status": status, "code": code, "detail": "as told"});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

#[derive(Deserialize)]
struct One {
    jws: String,
}

#[derive(Deserialize)]
struct Many {
    jws: Vec<String>,
}

type Fake = State<FakePlatform>;

async fn organisation_view(State(platform): Fake, Path(id): Path<OrganisationId>) -> Response {
    let inside = platform.lock();
    if inside.is(Bad::Away) {
        return problem(503, "away");
    }
    Json(json!({"id": id, "root_fingerprint": inside.root.unwrap()})).into_response()
}

async fn token(State(platform): Fake) -> Response {
    if platform.lock().is(Bad::Away) {
        return problem(503, "away");
    }
    Json(json!({"access_token": "a-token", "token_type": "Bearer", "expires_in": 600})).into_response()
}

async fn publish(State(platform): Fake, Json(One { jws }): Json<One>) -> Response {
    let mut inside = platform.lock();
    let inside = &mut *inside;
    if inside.is(Bad::Away) {
        return problem(503, "away");
    }
    let root = inside.root.unwrap();
    let Ok(statement) = KeyStatement::verify(&jws, &root) else { return problem(403, "proof_invalid") };
    let statement = statement.into_document();
    // The element's own rules.
    let before = inside.statements.iter().rev().find(|s| s.key_use == statement.key_use);
    let serial = before.map_or(1, |before| before.serial + 1);
    let again = before.is_some_and(|before| *before == statement);
    if !again && (statement.serial != serial || statement.predecessor != before.map(|before| before.key_id)) {
        return problem(409, "serial_mismatch");
    }
    let payload = jws::unverified_payload(&jws).unwrap();
    let log = if inside.bad == Some(Bad::OtherLog) { &mut inside.other_log } else { &mut inside.log };
    let row = statement.row();
    let (index, evidence) = log.attest("key-statement", row.as_str(), &payload, Asserted::Organisation);
    inside.statements.push(statement);
    Json(json!({"statement_jws": jws, "evidence": evidence, "root_fingerprint": root, "index": index}))
        .into_response()
}

async fn records(
    State(platform): Fake,
    Path(organisation): Path<String>,
    Json(Many { jws }): Json<Many>,
) -> Response {
    let mut inside = platform.lock();
    if inside.is(Bad::Away) || inside.is(Bad::RefusesRecords) {
        return problem(if inside.is(Bad::Away) { 503 } else { 422 }, "no");
    }
    let signer = inside.signer().unwrap();
    let mut indices = Vec::new();
    for jws in jws {
        let payload = jws::verify(&jws, Typ::Record, &signer).unwrap();
        let record = Record::parse(&payload).unwrap();
        let index = match inside.records.iter().position(|known| *known == record) {
            Some(index) => index,
            None => {
                if !inside.is(Bad::DropsRecords) {
                    inside.log.take_in(&organisation, &record);
                }
                inside.records.push(record);
                inside.records.len() - 1
            }
        };
        indices.push(index);
    }
    Json(json!({"indices": indices})).into_response()
}

async fn decisions(State(platform): Fake, Json(One { jws }): Json<One>) -> Response {
    let mut inside = platform.lock();
    match inside.bad {
        Some(Bad::Away) => return problem(503, "away"),
        Some(Bad::Proxied) => return (StatusCode::FORBIDDEN, "blocked by policy").into_response(),
        Some(Bad::AlreadyDecided) => return problem(409, "already_decided"),
        _ => {}
    }
    let payload = jws::verify(&jws, Typ::Decision, &inside.signer().unwrap()).unwrap();
    let decision: Value = serde_json::from_slice(&payload).unwrap();
    if !inside.decisions.contains(&decision) {
        inside.decisions.push(decision);
        let document = Decision::parse(&payload).unwrap().document;
        inside.log.attest_decision(&document, &payload);
    }
    Json(json!({"evidence": {}})).into_response()
}

#[derive(Deserialize)]
struct Sizes {
    from: u64,
    to: u64,
}

async fn consistency(State(platform): Fake, Query(Sizes { from, to }): Query<Sizes>) -> Response {
    let proof: Vec<Hash> = consistency_proof(from, to, &platform.lock().log.tree).unwrap();
    Json(json!({"proof": proof})).into_response()
}
