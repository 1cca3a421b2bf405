//! The real program, killed while applications ask for keys and an administrator acts on a hundred data: whoever was answered finds it so, and whoever was not finds all of it or nothing.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sceau_element_api::documents::{Datum, Document as _, Does, ProtectAct};
use sceau_element_api::protect::{AskedOfData, Called, ContentToSign, DatumId, OfBatch};
use sceau_element_api::wire::Code;
use sceau_element_api::{ActId, CallError, Client, Kind, Role};
use sceau_trace::Outcome;
use serde_json::{Value, json};

use crate::house::{Person, by_passkey, organisation, platform_admin, refused, request, shown, staff};
use crate::kill::Program;
use crate::protection::caller::{Caller, DataKey, seconds};
use crate::protection::contents;
use crate::token_on_bad_days::comes;

/// Applications that ask at once.
const CALLERS: usize = 6;
/// Data of one act.
const OF_AN_ACT: usize = 100;

/// An application, and what it was answered.
pub(crate) struct Asking {
    caller: Caller,
    known: HashMap<DatumId, Known>,
    /// Calls that were answered since the last start, and those that were not.
    answered: Vec<String>,
    cut: Vec<String>,
}

/// A datum that was created, with its key and how often it was opened.
struct Known {
    created: Called,
    key: DataKey,
    opened: usize,
}

fn broken(error: &CallError) -> bool {
    matches!(error, CallError::Broken | CallError::Unreachable { .. })
}

fn is_away(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.code == Code::Unavailable)
}

/// Who is told to ask again later does.
async fn later(refused: &AtomicUsize) {
    refused.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Asking {
    /// One call, kept as what became of it; none where the element went away.
    async fn ask(&mut self, client: &Client, op: Value) -> Option<Called> {
        let call = self.caller.sign(&self.caller.claims("alice", op));
        match self.caller.bring(client, call.clone()).await {
            Ok(called) => {
                self.answered.push(call);
                Some(called)
            }
            Err(error) if broken(&error) || is_away(&error) => {
                self.cut.push(call);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A content that may be signed, of a datum that is begun for it.
    pub(crate) async fn content(&mut self, client: &Client) -> ContentToSign {
        let created = contents::ask((&mut self.caller, client), "alice", contents::creation()).await.unwrap();
        contents::to_sign(created.0.datum, &contents::key_of(&created).permit.unwrap())
    }

    async fn create(&mut self, client: &Client) -> Option<Called> {
        let op = self.caller.create();
        let created = self.ask(client, op).await?;
        let key = self.caller.data_key(&created);
        self.known.insert(created.datum, Known { created: created.clone(), key, opened: 0 });
        Some(created)
    }

    /// Reads one of its data in the journal.
    pub(crate) async fn reads(&self, client: &Client) -> Result<(), CallError> {
        client.kept(Kind::Datum, *self.known.keys().next().unwrap()).await.map(drop)
    }

    /// Asks until told to stop, whatever becomes of it; how many were answered, and how many were not.
    pub(crate) async fn until_stopped(
        mut self,
        client: Client,
        stop: Arc<AtomicBool>,
        (answered, refused): (Arc<AtomicUsize>, Arc<AtomicUsize>),
    ) -> Self {
        while !stop.load(Ordering::Relaxed) {
            let Some(created) = self.create(&client).await else {
                later(&refused).await;
                continue;
            };
            let op = self.caller.opening(&created);
            let Some(opened) = self.ask(&client, op).await else {
                later(&refused).await;
                continue;
            };
            let known = self.known.get_mut(&created.datum).unwrap();
            assert_eq!(self.caller.data_key(&opened), known.key);
            known.opened += 1;
            answered.fetch_add(1, Ordering::Relaxed);
        }
        self
    }

    pub(crate) async fn until_broken(mut self, client: Client, count: Arc<AtomicUsize>) -> Self {
        while let Some(created) = self.create(&client).await {
            count.fetch_add(1, Ordering::Relaxed);
            let op = self.caller.opening(&created);
            let Some(opened) = self.ask(&client, op).await else { break };
            count.fetch_add(1, Ordering::Relaxed);
            let known = self.known.get_mut(&created.datum).unwrap();
            assert_eq!(self.caller.data_key(&opened), known.key);
            known.opened += 1;
        }
        self
    }

    /// Brings a call until it is judged. Elements here say after seconds that the disk does not answer, which on a busy machine it may not.
    async fn judged(&mut self, client: &Client, call: &str) -> Result<Called, CallError> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.caller.bring(client, call.to_owned()).await {
                Err(error) if is_away(&error) && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                judged => return judged,
            }
        }
    }

    /// What was answered is so; what was cut is recorded once or not at all, and brought again it is recorded once.
    pub(crate) async fn check(&mut self, client: &Client) {
        for call in std::mem::take(&mut self.answered) {
            refused(self.judged(client, &call).await, Code::CallReplayed);
        }
        for call in std::mem::take(&mut self.cut) {
            let again = self.judged(client, &call).await;
            let datum = sceau_element_api::protect::Claims::unverified(&call).unwrap().op.datum();
            if let Some(known) = datum.and_then(|datum| self.known.get_mut(&datum)) {
                known.opened += 1;
            }
            match again {
                Ok(called) if datum.is_none() => {
                    let key = self.caller.data_key(&called);
                    self.known.insert(called.datum, Known { created: called, key, opened: 0 });
                }
                Ok(_) => {}
                again => refused(again, Code::CallReplayed),
            }
        }
        let mut all = std::mem::take(&mut self.known);
        for known in all.values_mut() {
            let open = self.caller.opening(&known.created);
            let open = self.caller.sign(&self.caller.claims("alice", open));
            let opened = self.judged(client, &open).await.unwrap();
            known.opened += 1;
            assert_eq!(self.caller.data_key(&opened), known.key);
            let asked = json!({"accesses": {"datum": known.created.datum}});
            let asked = self.caller.sign(&self.caller.claims("alice", asked));
            let list = self.judged(client, &asked).await.unwrap().accesses.unwrap().list;
            let opens = list.iter().filter(|one| one.action == "datum.open" && one.refused.is_none()).count();
            assert_eq!(opens, known.opened, "each reading is counted, once");
        }
        self.known = all;
    }
}

/// An administrator who holds and lets go a hundred data at once.
pub(crate) struct Administrator {
    person: Person,
    data: Vec<DatumId>,
    held: bool,
}

impl Administrator {
    async fn act(&self, client: &Client) -> Result<(), CallError> {
        let act = ProtectAct {
            v: 1,
            act: ActId::random(),
            organisation: self.person.account.organisation.unwrap(),
            does: if self.held { Does::Release } else { Does::Hold },
            data: self.data.clone(),
            reason: "Poste volé".into(),
            time: seconds() * 1000,
            by: self.person.account.account,
            decision: None,
        };
        let payload = act.to_bytes().unwrap();
        let proof = self.person.passkey.prove(client.nonce().await?, Kind::ProtectAct, &payload);
        client.attest(request(&act, None, proof)).await.map(drop)
    }

    async fn until_broken(mut self, client: Client, count: Arc<AtomicUsize>) -> Self {
        loop {
            match self.act(&client).await {
                Ok(()) => self.held = !self.held,
                Err(error) if broken(&error) => return self,
                Err(error) => panic!("{error}"),
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of the hundred are as the last act that was answered left them, or all as the one under way would have.
    async fn check(&mut self, client: &Client) {
        let mut held = Vec::new();
        for id in &self.data {
            let (_, kept) = client.kept(Kind::Datum, *id).await.unwrap().unwrap();
            held.push(Datum::parse(&kept.payload).unwrap().document.held.map(|held| held.act));
        }
        assert!(held.iter().all(|one| *one == held[0]), "a part of an act: {held:?}");
        let now = held[0].is_some();
        self.held = now;
    }
}

/// An organisation with so many applications, and so many data for acts.
pub(crate) async fn begin(folder: &Path, applications: usize, data: usize) -> (Administrator, Vec<Asking>) {
    let client = Program::client(folder);
    let admin = platform_admin(&client).await;
    let organisation = organisation(&client, &admin).await;
    let person = staff(&client, &admin, Role::OrganisationAdmin, organisation.id).await;
    let mut callers = Vec::new();
    for _ in 0..=applications {
        let caller = Caller::new(organisation.id);
        by_passkey(&client, &person, &caller.document, None).await.unwrap();
        callers.push(Asking { caller, known: HashMap::new(), answered: Vec::new(), cut: Vec::new() });
    }
    let mut of_acts = callers.pop().unwrap();
    for _ in 0..data {
        of_acts.create(&client).await.unwrap();
    }
    let data = of_acts.known.into_keys().collect();
    (Administrator { person, data, held: false }, callers)
}

/// An application of an organisation of its own.
pub(crate) async fn application(client: &Client) -> Caller {
    let admin = platform_admin(client).await;
    let organisation = organisation(client, &admin).await;
    let person = staff(client, &admin, Role::OrganisationAdmin, organisation.id).await;
    let caller = Caller::new(organisation.id);
    by_passkey(client, &person, &caller.document, None).await.unwrap();
    caller
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_acts_under_way_are_whole_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let start = || Program::start_saying(path, &["--protect-tenants", "1"]).0;
    let mut program = start();
    let (mut administrator, mut callers) = begin(path, CALLERS, OF_AN_ACT).await;
    for after in [1, 24, 90] {
        let count = Arc::new(AtomicUsize::new(0));
        let of = |count: &Arc<AtomicUsize>| (Program::client(path), Arc::clone(count));
        let (client, counted) = of(&count);
        let acting = tokio::spawn(administrator.until_broken(client, counted));
        let asking: Vec<_> = callers
            .into_iter()
            .map(|caller| {
                let (client, counted) = of(&count);
                tokio::spawn(caller.until_broken(client, counted))
            })
            .collect();
        comes(async || count.load(Ordering::Relaxed) >= after).await;
        program.kill();
        administrator = acting.await.unwrap();
        callers = Vec::new();
        for caller in asking {
            callers.push(caller.await.unwrap());
        }
        assert!(callers.iter().any(|caller| !caller.cut.is_empty()), "nothing was under way");
        program = start();
        let client = Program::client(path);
        administrator.check(&client).await;
        for caller in &mut callers {
            caller.check(&client).await;
        }
    }
}

/// Data of one batch.
const OF_A_BATCH: usize = 50;

/// An application that asks for many data at once, and what it was answered.
struct Batches {
    caller: Caller,
    answered: Vec<String>,
    cut: Vec<String>,
    /// The data of each batch that was answered, with their keys.
    begun: Vec<Vec<(Called, DataKey)>>,
}

impl Batches {
    async fn bring(&self, client: &Client, call: &str) -> Result<Vec<Called>, CallError> {
        let asked = AskedOfData { call: call.to_owned(), address: None, rows: vec![None; OF_A_BATCH] };
        let items = client.protect_many(asked).await?.items;
        let granted = |item| match item {
            OfBatch::Granted(called) => *called,
            OfBatch::Refused(refusal) => panic!("{refusal}"),
        };
        Ok(items.into_iter().map(granted).collect())
    }

    /// One batch, kept as what became of it; none where the element went away.
    async fn ask(&mut self, client: &Client, op: Value) -> Option<Vec<(Called, DataKey)>> {
        let claims = self.caller.claims("alice", op);
        let call = self.caller.sign(&claims);
        match self.bring(client, &call).await {
            Ok(called) => {
                self.answered.push(call);
                let jti = claims["jti"].as_str().unwrap();
                let with_key = |(at, called)| {
                    let key = self.caller.data_key_of_batch(&called, (jti, at));
                    (called, key)
                };
                Some(called.into_iter().enumerate().map(with_key).collect())
            }
            Err(error) if broken(&error) => {
                self.cut.push(call);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn opening(&self, begun: &[(Called, DataKey)]) -> Value {
        let data: Vec<Value> =
            begun.iter().map(|(of, _)| json!({"datum": of.datum, "wrapped_key": of.wrapped_key})).collect();
        json!({"open_many": {"session": self.caller.session(), "data": data}})
    }

    async fn until_broken(mut self, client: Client, count: Arc<AtomicUsize>) -> Self {
        loop {
            let data = vec![json!({}); OF_A_BATCH];
            let op = json!({"create_many": {"session": self.caller.session(), "data": data}});
            let Some(begun) = self.ask(&client, op).await else { return self };
            count.fetch_add(1, Ordering::Relaxed);
            let op = self.opening(&begun);
            self.begun.push(begun);
            if self.ask(&client, op).await.is_none() {
                return self;
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every batch is on record once it was brought again, each of its data once; and what was answered opens as it did.
    async fn check(&mut self, client: &Client) {
        for call in &self.answered {
            refused(self.bring(client, call).await, Code::CallReplayed);
        }
        for call in std::mem::take(&mut self.cut) {
            let again = self.bring(client, &call).await;
            match again {
                Ok(called) => assert_eq!(called.len(), OF_A_BATCH),
                again => refused(again, Code::CallReplayed),
            }
            self.answered.push(call);
        }
        let application = self.caller.document.application.to_string();
        let mut granted = 0;
        for index in 0..client.hello().await.unwrap().size {
            let record = shown(client, index).await;
            let is_own = record.actor().id == application && record.outcome() == Outcome::Granted;
            granted += usize::from(is_own && record.action().as_str().starts_with("datum."));
        }
        assert_eq!(granted, self.answered.len() * OF_A_BATCH);
        if let Some(begun) = self.begun.pop() {
            let op = self.opening(&begun);
            let opened = self.ask(client, op).await.unwrap();
            for ((_, key), (_, before)) in opened.iter().zip(&begun) {
                assert_eq!(key, before);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_under_way_is_on_record_as_a_whole_or_not_at_all_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let start = || Program::start_saying(path, &["--protect-tenants", "1"]).0;
    let mut program = start();
    let (_, callers) = begin(path, 2, 0).await;
    let batches =
        |asking: Asking| Batches { caller: asking.caller, answered: vec![], cut: vec![], begun: vec![] };
    let mut callers: Vec<Batches> = callers.into_iter().map(batches).collect();
    for after in [1, 3, 6] {
        let count = Arc::new(AtomicUsize::new(0));
        let begin =
            |caller: Batches| tokio::spawn(caller.until_broken(Program::client(path), Arc::clone(&count)));
        let asking: Vec<_> = std::mem::take(&mut callers).into_iter().map(begin).collect();
        comes(async || count.load(Ordering::Relaxed) >= after).await;
        program.kill();
        for caller in asking {
            callers.push(caller.await.unwrap());
        }
        assert!(callers.iter().any(|caller| !caller.cut.is_empty()), "nothing was under way");
        program = start();
        let client = Program::client(path);
        for caller in &mut callers {
            caller.check(&client).await;
        }
    }
}
