//! An element at work in a folder of its own, and what a deposit needs.

mod around;
mod keeping;
mod people;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use sceau_crypto::{SigningKey, Typ, jws};
use sceau_element::{
    Clock, DatumKeys, EphemeralSigner, JournalKey, JournalMonths, KeyringKeys, KeyringsBegun, KeysInUse,
    LogSigner, Peers, PersonalKeys, STUCK_AFTER, Settings, SignerError, StartError, WebIdentity, serve,
    start_at,
};
use sceau_element_api::documents::{
    Answers, Decision, DecisionRole, Document, DossierState, Manifest, Outcome, SchemeDocument,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, Code, Version};
use sceau_element_api::{AccountId, CallError, Client, Kind, Role, RowId};
use sceau_hsm::Provider;
use sceau_trace::Hash;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

pub(crate) use self::around::{Around, around};
pub(crate) use self::keeping::{Keeping, Keystore, in_files};
pub(crate) use self::people::{
    Organisation, Person, account, citizen, credential, dossier, encryption_statement, organisation,
    organisation_document, platform_admin, scheme, signing_statement, staff,
};

pub(crate) const ORIGIN: &str = "sceau.test/log";
/// Far in the future, in Unix milliseconds.
pub(crate) const LATER: u64 = 4_000_000_000_000;

/// An element that runs in this process; its folder goes with it.
pub(crate) struct Element {
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) log_seed: [u8; 32],
    keeping: Keeping,
    serving: JoinHandle<()>,
}

impl Element {
    pub(crate) fn begin() -> Self {
        Self::resume(tempfile::tempdir().unwrap(), sceau_crypto::random())
    }

    /// On a folder that may hold a state.
    pub(crate) fn resume(folder: tempfile::TempDir, log_seed: [u8; 32]) -> Self {
        Self::resume_for(folder, log_seed, 0)
    }

    /// The same, for so many organisations that protect data.
    pub(crate) fn resume_for(folder: tempfile::TempDir, log_seed: [u8; 32], tenants: u32) -> Self {
        Self::resume_with(folder, log_seed, Keeping::in_files(tenants))
    }

    /// The same, with keys that are kept so.
    pub(crate) fn resume_with(folder: tempfile::TempDir, log_seed: [u8; 32], keeping: Keeping) -> Self {
        let (client, serving) = run_anew(folder.path(), log_seed, &keeping);
        Self { client, folder, log_seed, keeping, serving }
    }

    /// Stops it and starts it again on the same state.
    pub(crate) async fn restart(self) -> Self {
        let keeping = self.keeping.clone();
        let (folder, log_seed) = self.stop().await;
        Self::resume_with(folder, log_seed, keeping)
    }

    /// The same in place, with its keys kept so from now on.
    pub(crate) async fn restart_with(&mut self, keeping: Keeping) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        // The last caller goes.
        self.client = Client::new(self.folder.path().join("nobody.sock"));
        wait_until_free(self.folder.path()).await;
        (self.client, self.serving) = run_anew(self.folder.path(), self.log_seed, &keeping);
        self.keeping = keeping;
    }

    /// Stops it and gives its folder.
    pub(crate) async fn stop(self) -> (tempfile::TempDir, [u8; 32]) {
        let Self { client, folder, log_seed, serving, .. } = self;
        serving.abort();
        let _ = serving.await;
        drop(client);
        wait_until_free(folder.path()).await;
        (folder, log_seed)
    }
}

fn run_anew(folder: &Path, log_seed: [u8; 32], keeping: &Keeping) -> (Client, JoinHandle<()>) {
    run_with(folder, log_seed, witnessed(folder), keeping.clone()).unwrap()
}

/// What witnesses remember of the element of a folder, if they do.
pub(crate) fn witnessed(folder: &Path) -> Option<std::path::PathBuf> {
    Some(folder.join("witnessed")).filter(|path| path.exists())
}

/// An element that stops gives its locks back once its writer has seen the last caller go: that of its state, and that of its keys.
pub(crate) async fn wait_until_free(folder: &Path) {
    for lock in ["state/lock", "keys/lock", "token/lock"]
        .map(|lock| folder.join(lock))
        .into_iter()
        .filter(|lock| lock.exists())
    {
        let lock = std::fs::File::open(lock).unwrap();
        while lock.try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        // Not by closing it: a program that another test starts has a copy until it has begun.
        lock.unlock().unwrap();
    }
}

/// The record of an entry, with its ids in clear, as its evidence shows it.
pub(crate) async fn shown(client: &Client, index: u64) -> sceau_trace::Record {
    let key = client.hello().await.unwrap().log_key.parse().unwrap();
    let evidence = client.evidence(index).await.unwrap();
    sceau_trace::Evidence::parse(evidence.as_bytes()).unwrap().verify(Some(&key)).unwrap().record
}

pub(crate) fn signer(seed: [u8; 32]) -> EphemeralSigner {
    let key = SigningKey::from_seed(sceau_crypto::Secret::from_slice(&seed).unwrap());
    EphemeralSigner::of(ORIGIN, key).unwrap()
}

pub(crate) fn settings(folder: &Path, witness_file: Option<std::path::PathBuf>) -> Settings {
    let web = WebIdentity { rp_id: "sceau.localhost".to_owned(), origins: vec![] };
    Settings {
        state: folder.join("state"),
        web,
        witness_file,
        witness_policy: Some(folder.join("policy")).filter(|path| path.exists()),
        standby: None,
        peers: Vec::new(),
        approver_age: 0,
        stuck_after: STUCK_AFTER,
    }
}

pub(crate) fn run(
    folder: &Path,
    seed: [u8; 32],
    witness_file: Option<std::path::PathBuf>,
) -> Result<(Client, JoinHandle<()>), StartError> {
    run_for(folder, seed, witness_file, 0)
}

pub(crate) fn run_for(
    folder: &Path,
    seed: [u8; 32],
    witness_file: Option<std::path::PathBuf>,
    tenants: u32,
) -> Result<(Client, JoinHandle<()>), StartError> {
    run_with(folder, seed, witness_file, Keeping::in_files(tenants))
}

pub(crate) fn run_with(
    folder: &Path,
    seed: [u8; 32],
    witness_file: Option<std::path::PathBuf>,
    keeping: Keeping,
) -> Result<(Client, JoinHandle<()>), StartError> {
    let clock = Clock::start().ahead(keeping.ahead);
    let (peers, approver_age, stuck_after) =
        (keeping.peers.clone(), keeping.approver_age, keeping.stuck_after);
    let settings = Settings { peers, approver_age, stuck_after, ..settings(folder, witness_file) };
    let signer =
        Protecting { inner: signer(seed), folder: folder.to_owned(), keeping, opened: OnceLock::new() };
    let running = start_at(settings, Box::new(signer), clock)?;
    let socket = folder.join(format!("{}.sock", hex::encode(sceau_crypto::random::<4>())));
    let listener = UnixListener::bind(&socket).unwrap();
    let uid = rustix::process::getuid().as_raw();
    let serving = tokio::spawn(async move {
        let _ = serve(listener, running.service, Peers(vec![uid])).await;
    });
    Ok((Client::new(socket), serving))
}

/// A log's key for tests, beside keys that protect data in a keystore of the folder.
struct Protecting {
    inner: EphemeralSigner,
    folder: std::path::PathBuf,
    keeping: Keeping,
    opened: OnceLock<Arc<dyn Provider>>,
}

impl Protecting {
    fn keystore(&self) -> Result<Arc<dyn Provider>, SignerError> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let opened = (self.keeping.keystore)(&self.folder)?;
        Ok(Arc::clone(self.opened.get_or_init(|| opened)))
    }
}

impl LogSigner for Protecting {
    fn key(&self) -> &sceau_trace::VerifierKey {
        self.inner.key()
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignerError> {
        (self.keeping.signing)();
        self.inner.sign(text)
    }

    fn journal_key(&self) -> Arc<dyn JournalKey> {
        self.inner.journal_key()
    }

    fn datum_keys(&self, in_use: &KeysInUse) -> Result<Option<DatumKeys>, SignerError> {
        if self.keeping.tenants == 0 {
            return Ok(None);
        }
        let keys = DatumKeys::open(self.keystore()?, in_use, self.keeping.tenants, 1)?;
        let keys = if self.keeping.rsa_oaep { keys.with_rsa_oaep()? } else { keys };
        Ok(Some(keys.with_terms(self.keeping.terms)))
    }

    fn keyring_keys(&self, begun: Option<&KeyringsBegun>) -> Result<Option<KeyringKeys>, SignerError> {
        let Some(officer) = &self.keeping.officer else { return Ok(None) };
        let now = Clock::start().now().unix;
        Ok(Some(KeyringKeys::open(self.keystore()?, ORIGIN, officer, begun, now)?))
    }

    fn personal_keys(
        &self,
        months: &JournalMonths,
        clock: Clock,
    ) -> Result<Option<PersonalKeys>, SignerError> {
        if self.keeping.tenants == 0 {
            return Ok(None);
        }
        PersonalKeys::open(self.keystore()?, self.keeping.retain, months, true, clock).map(Some)
    }
}

/// Everything up to an open draft.
pub(crate) struct House {
    pub(crate) element: Element,
    pub(crate) admin: Person,
    pub(crate) organisation: Organisation,
    pub(crate) organisation_admin: Person,
    pub(crate) citizen: Person,
    pub(crate) scheme: SchemeDocument,
    pub(crate) dossier: DossierState,
}

impl House {
    pub(crate) async fn build() -> Self {
        let element = Element::begin();
        let client = &element.client;
        let admin = platform_admin(client).await;
        let organisation = organisation(client, &admin).await;
        let organisation_admin = staff(client, &admin, Role::OrganisationAdmin, organisation.id).await;
        let scheme = scheme(organisation.id);
        by_passkey(client, &organisation_admin, &scheme, None).await.unwrap();
        let citizen = citizen(client).await;
        let dossier = dossier(&citizen, &scheme);
        by_platform(client, &dossier, None).await.unwrap();
        Self { element, admin, organisation, organisation_admin, citizen, scheme, dossier }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.element.client
    }

    pub(crate) fn manifest(&self) -> Manifest {
        Manifest {
            v: 1,
            dossier: self.dossier.dossier,
            organisation: self.organisation.id,
            scheme: self.scheme.scheme,
            form_hash: sceau_trace::sha256(&self.scheme.to_bytes().unwrap()),
            answers: Answers { public: Default::default(), sealed: None },
            files: vec![],
            key_id: self.organisation.encrypt.key_id,
            created: 1,
            words: vec![],
        }
    }

    /// The citizen sends the manifest, signed.
    pub(crate) async fn submit(&self) -> AttestedRow {
        by_passkey(self.client(), &self.citizen, &self.manifest(), None).await.unwrap()
    }

    pub(crate) fn decision(&self, manifest: Hash, decision: Outcome, time: u64) -> Decision {
        Decision {
            v: 1,
            dossier: self.dossier.dossier,
            organisation: self.organisation.id,
            manifest_hash: manifest,
            decision,
            reason: "Dossier complet.".to_owned(),
            decided_by: AccountId::random(),
            connector: None,
            role: DecisionRole::CaseOfficer,
            time,
        }
    }
}

pub(crate) fn request<D: Document>(document: &D, previous: Option<Version>, proof: Proof) -> Attest {
    let payload = document.to_bytes().unwrap();
    Attest { kind: D::KIND, id: document.row(), previous, payload: payload.into(), proof }
}

pub(crate) async fn by_platform<D: Document>(
    client: &Client,
    document: &D,
    previous: Option<Version>,
) -> Result<AttestedRow, CallError> {
    client.attest(request(document, previous, Proof::PlatformAsserted)).await
}

pub(crate) async fn by_passkey<D: Document>(
    client: &Client,
    person: &Person,
    document: &D,
    previous: Option<Version>,
) -> Result<AttestedRow, CallError> {
    let nonce = client.nonce().await.unwrap();
    let proof = person.passkey.prove(nonce, D::KIND, &document.to_bytes().unwrap());
    client.attest(request(document, previous, proof)).await
}

pub(crate) async fn by_key<D: Document>(
    client: &Client,
    key: &SigningKey,
    typ: Typ,
    document: &D,
    previous: Option<Version>,
) -> Result<AttestedRow, CallError> {
    let jws = jws::sign(key, typ, &document.to_bytes().unwrap());
    client.attest(request(document, previous, Proof::Jws { jws })).await
}

pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>, code: Code) {
    match outcome {
        Err(CallError::Refused(refusal)) => assert_eq!(refusal.code, code, "{refusal}"),
        other => panic!("{code} expected, got {other:?}"),
    }
}

pub(crate) async fn current(client: &Client, kind: Kind, id: impl Into<RowId>) -> Option<Version> {
    client.current(kind, id).await.unwrap().map(|row| row.version())
}
