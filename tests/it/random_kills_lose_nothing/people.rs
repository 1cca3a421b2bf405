//! Who works while processes die: each does again what was not answered, as people and their programs do.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sceau_client::{ClientError, Person, ReadingPage, Scheme, Trust};
use sceau_element_api::DossierId;
use sceau_tests::{Connected, Draft, Scanned};
use sceau_trace::VerifierKey;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::page::Page;

/// Citizens who deposit at once.
const DEPOSITORS: u64 = 2;
/// Deposits of one citizen: fewer than the drafts that one may have, all of them lost.
const DEPOSITS_EACH: u32 = 6;
/// Dossiers that were acknowledged and are not yet with the organisation's system.
const PLACES: usize = 12;
/// How long somebody tries again before the campaign has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long somebody waits before trying again.
const AGAIN: Duration = Duration::from_millis(25);

/// Has something done, again and again while servers are away.
macro_rules! insist {
    ($work:expr, $what:literal, $act:expr) => {{
        let began = Instant::now();
        loop {
            match $act.await {
                Ok(done) => break done,
                Err(error) => $work.may_try_again($what, began, error.is_passing(), &error).await,
            }
        }
    }};
}

/// What everybody works with.
pub(crate) struct Work {
    origin: String,
    /// Documents are sealed by their depositor.
    sealed: Scheme,
    /// Documents are scanned and sealed by the intake.
    scanned: Scheme,
    page: Page,
    officer: Person,
    officer_trust: Trust,
    pub(crate) log_key: VerifierKey,
    folder: PathBuf,
    /// Where the organisation's system keeps what it took.
    pub(crate) kept: PathBuf,
    /// Nothing new is begun.
    over: AtomicBool,
    /// Numbers what is made.
    made: AtomicU64,
    /// Dossiers that were begun and not answered.
    unanswered: AtomicU64,
    /// Dossiers that may be with the organisation at once.
    places: Semaphore,
}

/// A deposit that was acknowledged.
#[derive(Clone)]
pub(crate) struct Deposit {
    pub(crate) citizen: Arc<Person>,
    pub(crate) id: DossierId,
    pub(crate) receipt: Value,
    pub(crate) content: Vec<u8>,
    /// Whether it came in through the intake.
    pub(crate) scanned: bool,
}

impl Deposit {
    /// Half of the dossiers are decided by the case officer, the other half by the organisation's system.
    pub(crate) fn is_officers(&self) -> bool {
        self.id.to_string().bytes().next().is_some_and(|first| first % 2 == 0)
    }
}

/// What was acknowledged.
pub(crate) struct Done {
    pub(crate) deposits: Vec<Deposit>,
    pub(crate) opened: u64,
    pub(crate) decided_by_officer: u64,
    pub(crate) decided_by_connector: u64,
    /// How often each folder appeared at the organisation's system.
    pub(crate) taken: BTreeMap<String, u32>,
    pub(crate) unanswered: u64,
}

impl Work {
    pub(crate) fn new(
        intake: &Scanned,
        connected: &Connected,
        scanned: Scheme,
        officer: Person,
        log_key: VerifierKey,
    ) -> Self {
        let house = &intake.house;
        let kept = house.scratch.join("taken");
        std::fs::create_dir(&kept).unwrap();
        Self {
            origin: house.origin.clone(),
            sealed: connected.scheme.clone(),
            scanned,
            page: Page::at(intake),
            officer,
            officer_trust: connected.premises.officer_trust(),
            log_key,
            folder: connected.output.clone(),
            kept,
            over: AtomicBool::new(false),
            made: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            places: Semaphore::new(PLACES),
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn number(&self) -> u64 {
        self.made.fetch_add(1, Ordering::SeqCst)
    }

    /// Waits a little where servers are away; gives up over anything else.
    async fn may_try_again(&self, what: &str, began: Instant, passing: bool, error: &impl Display) {
        assert!(passing && began.elapsed() < PATIENCE, "{what}: {error}");
        tokio::time::sleep(AGAIN).await;
    }

    /// Somebody new; an attempt that was cut leaves at most an account that nobody uses.
    async fn citizen(&self) -> Arc<Person> {
        let citizen = insist!(self, "register", {
            let email = format!("citizen-{}@example.org", self.number());
            async move {
                Person::register(&self.origin, &email, "Cleo Citoyenne", None, Some(&self.log_key)).await
            }
        });
        Arc::new(citizen)
    }

    /// One deposit of one or two parts, from beginning to receipt; sealed here, or scanned and sealed by the intake.
    async fn deposit(&self, citizen: &Arc<Person>, scanned: bool) -> Deposit {
        let number = self.number();
        let length = if number.is_multiple_of(4) { 1_200_000 } else { 2_000 + number };
        let pattern = (0..length).map(|i| ((i * 7 + number) % 251) as u8);
        let content: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain(pattern).collect();
        let scheme = if scanned { &self.scanned } else { &self.sealed };
        let draft = insist!(self, "begin", async {
            let begun = Draft::begin_for(citizen, scheme).await;
            self.unanswered.fetch_add(u64::from(begun.is_err()), Ordering::SeqCst);
            begun
        });
        let manifest = if scanned {
            insist!(self, "visit the intake", self.page.visit(&draft, &scheme.payload, &content))
        } else {
            let (document, answers) = (draft.seal(&content), draft.seal(br#"{"income":18500}"#));
            for sealed in [&document, &answers] {
                insist!(self, "send", draft.send(sealed));
            }
            draft.manifest(&document, &answers)
        };
        let receipt = insist!(self, "submit", draft.submit(&manifest));
        Deposit { citizen: Arc::clone(citizen), id: draft.id, receipt, content, scanned }
    }

    async fn depositor(self: Arc<Self>, to_officer: UnboundedSender<Deposit>) -> Vec<Deposit> {
        let mut deposits = Vec::new();
        while !self.is_over() {
            let citizen = self.citizen().await;
            for nth in 0..DEPOSITS_EACH {
                // Given back when the dossier is taken.
                self.places.acquire().await.unwrap().forget();
                let deposit = self.deposit(&citizen, nth % 2 == 1).await;
                if deposit.is_officers() {
                    to_officer.send(deposit.clone()).unwrap();
                }
                deposits.push(deposit);
                if self.is_over() {
                    break;
                }
            }
        }
        deposits
    }

    /// Opens a dossier and reads it; a ticket whose exchange was not answered is spent, and another is asked for.
    async fn open(&self, id: DossierId) -> (ReadingPage, Vec<u8>) {
        let began = Instant::now();
        loop {
            let link = insist!(self, "ticket", self.officer.ticket(id));
            let opened = async {
                let page = ReadingPage::open(&link, &self.origin, &self.officer_trust, &self.log_key).await?;
                let opened = page.read().await?;
                Ok::<_, ClientError>((page, opened))
            };
            match opened.await {
                Ok((page, opened)) => {
                    let document = opened
                        .files
                        .into_iter()
                        .find(|file| file.name == "pièce.pdf" && file.content.len() > 100);
                    return (page, document.expect("the document").content);
                }
                Err(error) => {
                    let again = error.is_passing() || error.code() == Some("ticket_invalid");
                    assert!(again && began.elapsed() < PATIENCE, "open {id}: {error}");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Reads and decides what comes, until nothing comes any more.
    async fn case_officer(self: Arc<Self>, mut deposits: UnboundedReceiver<Deposit>) -> u64 {
        let mut opened = 0;
        while let Some(deposit) = deposits.recv().await {
            let (page, content) = self.open(deposit.id).await;
            assert!(content == deposit.content, "{}: what comes out is what went in", deposit.id);
            opened += 1;
            insist!(self, "decide", page.decide("accepted", "Dossier complet."));
        }
        opened
    }

    /// The organisation's own system: takes each folder away, and decides where it is its turn. Ends when it has every deposit in `awaited`.
    async fn system(
        self: Arc<Self>,
        mut awaited: tokio::sync::watch::Receiver<Option<Vec<Deposit>>>,
    ) -> BTreeMap<String, u32> {
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        let mut ending: Option<Instant> = None;
        loop {
            for folder in self.folders() {
                self.take(&folder, &mut taken);
            }
            if let Some(deposits) = awaited.borrow_and_update().as_ref() {
                let has =
                    |deposit: &Deposit| taken.keys().any(|name| name.starts_with(&deposit.id.to_string()));
                if deposits.iter().all(has) {
                    return taken;
                }
                let since = *ending.get_or_insert_with(Instant::now);
                let missing: Vec<String> =
                    deposits.iter().filter(|it| !has(it)).map(|it| it.id.to_string()).collect();
                assert!(since.elapsed() < PATIENCE, "not handed over: {missing:?}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let visible =
            |path: &PathBuf| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
        entries.map(|entry| entry.path()).filter(visible).collect()
    }

    /// One look at a folder: a decision is dropped into it and waited for, then it is taken away.
    fn take(&self, folder: &Path, taken: &mut BTreeMap<String, u32>) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let officers = name.bytes().next().is_some_and(|first| first % 2 == 0);
        let result = folder.join("decision.result.json");
        if !officers && !result.exists() {
            if !folder.join("decision.json").exists() {
                let decision = json!({"decision": "accepted", "reason": "Dossier complet."});
                std::fs::write(folder.join(".decision"), decision.to_string()).unwrap();
                std::fs::rename(folder.join(".decision"), folder.join("decision.json")).unwrap();
            }
            return;
        }
        if !officers {
            let told: Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
            assert_eq!(told["state"], "signed", "{name}: {told}");
        }
        for whole in ["manifest.json", "answers.json", "proof/manifest", "documents/pièce.pdf"] {
            assert!(folder.join(whole).is_file(), "{name} appeared without {whole}");
        }
        let times = taken.entry(name.clone()).or_default();
        *times += 1;
        self.places.add_permits(1);
        std::fs::rename(folder, self.kept.join(format!("{name}.{times}"))).unwrap();
    }
}

/// Everybody at work.
pub(crate) struct Busy {
    work: Arc<Work>,
    depositors: Vec<JoinHandle<Vec<Deposit>>>,
    officer: JoinHandle<u64>,
    system: JoinHandle<BTreeMap<String, u32>>,
    awaited: tokio::sync::watch::Sender<Option<Vec<Deposit>>>,
}

impl Busy {
    pub(crate) fn start(work: &Arc<Work>) -> Self {
        let (to_officer, deposits) = unbounded_channel();
        let (awaited, awaits) = tokio::sync::watch::channel(None);
        let depositors =
            (0..DEPOSITORS).map(|_| tokio::spawn(Arc::clone(work).depositor(to_officer.clone()))).collect();
        Self {
            work: Arc::clone(work),
            depositors,
            officer: tokio::spawn(Arc::clone(work).case_officer(deposits)),
            system: tokio::spawn(Arc::clone(work).system(awaits)),
            awaited,
        }
    }

    /// Nobody has given up.
    pub(crate) fn is_well(&self) {
        let ended = self.depositors.iter().any(JoinHandle::is_finished);
        assert!(!ended && !self.officer.is_finished() && !self.system.is_finished(), "somebody gave up");
    }

    /// Begins nothing new, and has everything that was begun done to its end.
    pub(crate) async fn finish(self) -> Done {
        self.work.over.store(true, Ordering::SeqCst);
        let mut deposits = Vec::new();
        for depositor in self.depositors {
            deposits.extend(depositor.await.unwrap());
        }
        let opened = self.officer.await.unwrap();
        self.awaited.send(Some(deposits.clone())).unwrap();
        let taken = self.system.await.unwrap();
        let decided_by_officer = deposits.iter().filter(|deposit| deposit.is_officers()).count() as u64;
        Done {
            opened,
            decided_by_officer,
            decided_by_connector: deposits.len() as u64 - decided_by_officer,
            deposits,
            taken,
            unanswered: self.work.unanswered.load(Ordering::SeqCst),
        }
    }
}
